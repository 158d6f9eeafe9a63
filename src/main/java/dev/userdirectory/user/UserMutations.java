package dev.userdirectory.user;

import com.netflix.graphql.dgs.DgsComponent;
import com.netflix.graphql.dgs.DgsMutation;
import com.netflix.graphql.dgs.InputArgument;
import dev.userdirectory.generated.types.BulkMode;
import dev.userdirectory.generated.types.CreateUserPayload;
import dev.userdirectory.generated.types.CreateUsersPayload;
import dev.userdirectory.generated.types.DeleteUserPayload;
import dev.userdirectory.generated.types.DeleteUsersPayload;
import dev.userdirectory.generated.types.NewUser;
import dev.userdirectory.generated.types.UpdateUserPayload;
import dev.userdirectory.generated.types.UpdateUsersPayload;
import dev.userdirectory.generated.types.UpsertUsersPayload;
import dev.userdirectory.graphql.scope.Caller;
import dev.userdirectory.input.InputError;
import dev.userdirectory.input.InputErrors;
import dev.userdirectory.input.Names;
import dev.userdirectory.mutation.Mutations;
import dev.userdirectory.mutation.Rejected;
import dev.userdirectory.relay.GlobalIds;
import dev.userdirectory.user.TakenEmails.Address;
import graphql.schema.DataFetchingEnvironment;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.springframework.dao.CannotAcquireLockException;
import org.springframework.jdbc.core.JdbcTemplate;

@DgsComponent
class UserMutations {
    private static final int MAX_BATCH = 1000;

    private final UserRepository users;
    private final UserInserts inserts;
    private final UserUpdates updates;
    private final TakenEmails taken;
    private final Mutations mutations;
    private final GlobalIds ids;
    private final JdbcTemplate jdbc;

    UserMutations(
            UserRepository users,
            UserInserts inserts,
            UserUpdates updates,
            TakenEmails taken,
            Mutations mutations,
            GlobalIds ids,
            JdbcTemplate jdbc) {
        this.users = users;
        this.inserts = inserts;
        this.updates = updates;
        this.taken = taken;
        this.mutations = mutations;
        this.ids = ids;
        this.jdbc = jdbc;
    }

    @DgsMutation
    CreateUserPayload createUser(
            @InputArgument String name,
            @InputArgument String email,
            @InputArgument boolean active,
            Caller caller,
            DataFetchingEnvironment env) {
        if (Mutations.hasKey(env)) {
            return inserts.patiently(lockTimeout ->
                    mutations.execute(env, errors -> new CreateUserPayload(null, errors.list()), errors -> {
                        if (!isValid(name, email, errors)) {
                            return null;
                        }
                        User created = inserts.insertAll(List.of(newUser(name, email, active)), lockTimeout)
                                .get(0);
                        if (created == null) {
                            errors.addTaken(email, "email");
                        }
                        return new CreateUserPayload(created, List.of());
                    }));
        }
        // Without a transaction of its own: concurrent creations share one.
        InputErrors errors = new InputErrors();
        if (!isValid(name, email, errors)) {
            return new CreateUserPayload(null, errors.list());
        }
        Optional<User> created = inserts.insert(newUser(name, email, active), caller.actor());
        if (created.isEmpty()) {
            errors.addTaken(email, "email");
        }
        return new CreateUserPayload(created.orElse(null), errors.list());
    }

    @DgsMutation
    CreateUsersPayload createUsers(
            @InputArgument("users") List<NewUser> given, @InputArgument BulkMode mode, DataFetchingEnvironment env) {
        return mutations.execute(env, errors -> payload(given, Map.of(), errors), errors -> {
            if (!isBatch(given, "users", errors)) {
                return null;
            }
            InputErrors rejections = mode == BulkMode.EACH ? new InputErrors() : errors;
            checkForm(given, rejections);
            Map<Integer, List<InputError>> malformed = rejections.byElement("users");
            // A batch that cannot be stored must not write, nor wait for other transactions. The insert finds the rest.
            taken.check(
                    IntStream.range(0, given.size())
                            .boxed()
                            .filter(i -> !rejections.has(emailOf(i)))
                            // A user who will not be created takes no address from a later one.
                            .sorted(Comparator.comparing(malformed::containsKey))
                            .map(i -> new Address(given.get(i).getEmail(), null, List.of(emailOf(i))))
                            .toList(),
                    rejections);
            Map<Integer, User> created = errors.isEmpty() ? insert(given, rejections) : Map.of();
            if (!created.isEmpty() && !errors.isEmpty()) {
                throw new Rejected(errors);
            }
            return payload(given, created, rejections);
        });
    }

    @DgsMutation
    UpsertUsersPayload upsertUsers(@InputArgument("users") List<NewUser> given, DataFetchingEnvironment env) {
        return mutations.execute(env, errors -> new UpsertUsersPayload(List.of(), errors.list()), errors -> {
            if (isBatch(given, "users", errors)) {
                checkForm(given, errors);
            }
            if (!errors.isEmpty()) {
                return null;
            }
            Map<Integer, User> stored = insert(given, new InputErrors());
            Map<Integer, NewUser> others = new TreeMap<>();
            for (int i = 0; i < given.size(); i++) {
                if (!stored.containsKey(i)) {
                    others.put(i, given.get(i));
                }
            }
            stored.putAll(updateByEmail(others, stored.values(), errors));
            if (!errors.isEmpty()) {
                throw new Rejected(errors);
            }
            return new UpsertUsersPayload(
                    IntStream.range(0, given.size()).mapToObj(stored::get).toList(), List.of());
        });
    }

    @DgsMutation
    UpdateUserPayload updateUser(DataFetchingEnvironment env) {
        return mutations.execute(env, errors -> new UpdateUserPayload(null, errors.list()), errors -> {
            List<User> updated = updates.make(List.of(env.getArguments()), null, errors);
            return errors.isEmpty() ? new UpdateUserPayload(updated.getFirst(), List.of()) : null;
        });
    }

    @DgsMutation
    UpdateUsersPayload updateUsers(DataFetchingEnvironment env) {
        List<Map<String, Object>> changes = Objects.requireNonNull(env.getArgument("users"));
        return mutations.execute(
                env,
                errors -> new UpdateUsersPayload(List.of(), errors.list()),
                errors -> isBatch(changes, "users", errors)
                        ? new UpdateUsersPayload(updates.make(changes, "users", errors), List.of())
                        : null);
    }

    @DgsMutation
    DeleteUserPayload deleteUser(
            @InputArgument String id, @InputArgument @Nullable Integer ifVersion, DataFetchingEnvironment env) {
        return mutations.execute(env, errors -> new DeleteUserPayload(null, errors.list()), errors -> {
            Optional<User> user = ids.find(
                    uuid -> updates.lock(Stream.of(uuid)).values().stream().findFirst(), errors, User.TYPE, id, "id");
            errors.checkNotNull(env.getArguments(), "ifVersion");
            user.ifPresent(found -> errors.checkVersion(ifVersion, found.getVersion(), id, "ifVersion"));
            if (user.isPresent() && errors.isEmpty()) {
                users.delete(new UUID[] {user.get().uuid()});
            }
            return new DeleteUserPayload(id, List.of());
        });
    }

    @DgsMutation
    DeleteUsersPayload deleteUsers(@InputArgument("ids") List<String> given, DataFetchingEnvironment env) {
        return mutations.execute(env, errors -> new DeleteUsersPayload(List.of(), errors.list()), errors -> {
            if (!isBatch(given, "ids", errors)) {
                return null;
            }
            List<Optional<UUID>> uuids = IntStream.range(0, given.size())
                    .mapToObj(i -> ids.check(errors, User.TYPE, given.get(i), "ids", Integer.toString(i)))
                    .toList();
            Map<UUID, User> locked = updates.lock(uuids.stream().flatMap(Optional::stream));
            for (int i = 0; i < uuids.size(); i++) {
                if (uuids.get(i).isPresent() && !locked.containsKey(uuids.get(i).get())) {
                    GlobalIds.addNotFound(errors, User.TYPE, "ids", Integer.toString(i));
                }
            }
            if (errors.isEmpty()) {
                users.delete(locked.keySet().toArray(UUID[]::new));
            }
            return new DeleteUsersPayload(given.stream().distinct().toList(), List.of());
        });
    }

    private boolean isValid(String name, String email, InputErrors errors) {
        errors.check(Names.problem(name), "name");
        errors.check(EmailAddress.problem(email), "email");
        if (!errors.isEmpty() && !errors.has("email")) {
            taken.check(List.of(new Address(email, null, List.of("email"))), errors);
        }
        return errors.isEmpty();
    }

    private static User newUser(String name, String email, @Nullable Boolean active) {
        return new User(name.strip(), email, active == null || active, User.now());
    }

    private static void checkForm(List<NewUser> given, InputErrors errors) {
        for (int i = 0; i < given.size(); i++) {
            errors.check(Names.problem(given.get(i).getName()), "users", Integer.toString(i), "name");
            errors.check(EmailAddress.problem(given.get(i).getEmail()), emailOf(i));
        }
    }

    private static boolean isBatch(List<?> given, String argument, InputErrors errors) {
        if (given.isEmpty() || given.size() > MAX_BATCH) {
            errors.check("There must be 1 to 1,000 of them, not " + given.size() + ".", argument);
            return false;
        }
        return true;
    }

    private static String[] emailOf(int index) {
        return new String[] {"users", Integer.toString(index), "email"};
    }

    /** Stores the users without errors. Adds TAKEN for those whose address another transaction has taken meanwhile. */
    private Map<Integer, User> insert(List<NewUser> given, InputErrors errors) {
        Map<Integer, List<InputError>> rejected = errors.byElement("users");
        List<Integer> valid = IntStream.range(0, given.size())
                .boxed()
                .filter(i -> !rejected.containsKey(i))
                .toList();
        Map<Integer, User> stored = inserts.insertAll(
                valid.stream()
                        .map(given::get)
                        .map(user -> newUser(user.getName(), user.getEmail(), user.getActive()))
                        .toList(),
                UserInserts.NO_TIMEOUT);
        Map<Integer, User> created = new HashMap<>();
        for (int i = 0; i < valid.size(); i++) {
            int index = valid.get(i);
            if (stored.containsKey(i)) {
                created.put(index, stored.get(i));
            } else {
                errors.addTaken(given.get(index).getEmail(), emailOf(index));
            }
        }
        return created;
    }

    private static CreateUsersPayload payload(List<NewUser> given, Map<Integer, User> created, InputErrors errors) {
        Map<Integer, List<InputError>> rejected = errors.byElement("users");
        boolean isRejectedAsAWhole = created.isEmpty() && rejected.isEmpty();
        List<CreateUserPayload> results = IntStream.range(0, isRejectedAsAWhole ? 0 : given.size())
                .mapToObj(i -> new CreateUserPayload(created.get(i), rejected.getOrDefault(i, List.of())))
                .toList();
        List<User> inOrder = results.stream()
                .map(CreateUserPayload::getUser)
                .filter(Objects::nonNull)
                .toList();
        return new CreateUsersPayload(inOrder, errors.list(), results);
    }

    /** Changes the users who have these addresses. Adds INVALID if two addresses are those of one user, or of a new one. */
    private Map<Integer, User> updateByEmail(
            Map<Integer, NewUser> given, Collection<User> created, InputErrors errors) {
        Map<String, User> known = UsersByEmail.find(
                jdbc, given.values().stream().map(NewUser::getEmail).toList());
        Map<UUID, User> locked = updates.lock(known.values().stream().map(User::uuid));
        Set<UUID> before = created.stream().map(User::uuid).collect(Collectors.toCollection(HashSet::new));
        Map<Integer, User> updated = new HashMap<>();
        given.forEach((i, user) -> {
            User byEmail = known.get(user.getEmail());
            User found = byEmail == null ? null : locked.get(byEmail.uuid());
            if (byEmail == null || found == null || !found.getEmail().equals(byEmail.getEmail())) {
                throw new CannotAcquireLockException("The address was given up meanwhile");
            }
            if (!before.add(found.uuid())) {
                errors.check("An earlier one of these users has this e-mail address.", emailOf(i));
            }
            found.update(user.getName(), null, user.getActive());
            updated.put(i, found);
        });
        users.flush();
        return updated;
    }
}
