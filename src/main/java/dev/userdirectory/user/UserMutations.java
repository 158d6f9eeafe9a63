package dev.userdirectory.user;

import com.netflix.graphql.dgs.DgsComponent;
import com.netflix.graphql.dgs.DgsMutation;
import com.netflix.graphql.dgs.InputArgument;
import dev.userdirectory.generated.types.CreateUserPayload;
import dev.userdirectory.generated.types.DeleteUserPayload;
import dev.userdirectory.generated.types.DeleteUsersPayload;
import dev.userdirectory.generated.types.UpdateUserPayload;
import dev.userdirectory.generated.types.UpdateUsersPayload;
import dev.userdirectory.graphql.scope.Caller;
import dev.userdirectory.input.InputErrors;
import dev.userdirectory.input.Names;
import dev.userdirectory.mutation.Mutations;
import dev.userdirectory.relay.GlobalIds;
import dev.userdirectory.user.TakenEmails.Address;
import graphql.schema.DataFetchingEnvironment;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

@DgsComponent
class UserMutations {
    private static final int MAX_BATCH = 1000;

    private final UserRepository users;
    private final UserInserts inserts;
    private final UserUpdates updates;
    private final TakenEmails taken;
    private final Mutations mutations;
    private final GlobalIds ids;

    UserMutations(
            UserRepository users,
            UserInserts inserts,
            UserUpdates updates,
            TakenEmails taken,
            Mutations mutations,
            GlobalIds ids) {
        this.users = users;
        this.inserts = inserts;
        this.updates = updates;
        this.taken = taken;
        this.mutations = mutations;
        this.ids = ids;
    }

    @DgsMutation
    CreateUserPayload createUser(
            @InputArgument String name,
            @InputArgument String email,
            @InputArgument boolean active,
            Caller caller,
            DataFetchingEnvironment env) {
        if (Mutations.hasKey(env)) {
            return mutations.execute(env, errors -> new CreateUserPayload(null, errors.list()), errors -> {
                if (!isValid(name, email, errors)) {
                    return null;
                }
                User created =
                        inserts.insertAll(List.of(newUser(name, email, active))).get(0);
                if (created == null) {
                    errors.addTaken(email, "email");
                }
                return new CreateUserPayload(created, List.of());
            });
        }
        // Concurrent creations share a transaction, so this does not begin its own.
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
                batchSizeCheck(changes, "users"),
                errors -> new UpdateUsersPayload(updates.make(changes, "users", errors), List.of()));
    }

    @DgsMutation
    DeleteUserPayload deleteUser(
            @InputArgument String id, @InputArgument @Nullable Integer ifVersion, DataFetchingEnvironment env) {
        return mutations.execute(env, errors -> new DeleteUserPayload(null, errors.list()), errors -> {
            Optional<User> user = ids.find(
                    uuid -> updates.lock(Stream.of(uuid)).values().stream().findFirst(), errors, User.TYPE, id, "id");
            errors.checkNotNull(env.getArguments(), "ifVersion");
            user.ifPresent(found -> errors.checkVersion(ifVersion, found.getVersion(), id, "ifVersion"));
            user.ifPresent(found -> checkMemberships(new UUID[] {found.uuid()}, errors, "id"));
            if (user.isPresent() && errors.isEmpty()) {
                users.delete(new UUID[] {user.get().uuid()});
            }
            return new DeleteUserPayload(id, List.of());
        });
    }

    @DgsMutation
    DeleteUsersPayload deleteUsers(@InputArgument("ids") List<String> given, DataFetchingEnvironment env) {
        return mutations.execute(
                env,
                errors -> new DeleteUsersPayload(List.of(), errors.list()),
                batchSizeCheck(given, "ids"),
                errors -> {
                    List<Optional<UUID>> uuids = IntStream.range(0, given.size())
                            .mapToObj(i -> ids.check(errors, User.TYPE, given.get(i), "ids", Integer.toString(i)))
                            .toList();
                    Map<UUID, User> locked = updates.lock(uuids.stream().flatMap(Optional::stream));
                    checkMemberships(locked.keySet().toArray(UUID[]::new), errors, "ids");
                    for (int i = 0; i < uuids.size(); i++) {
                        if (uuids.get(i).isPresent()
                                && !locked.containsKey(uuids.get(i).get())) {
                            GlobalIds.addNotFound(errors, User.TYPE, "ids", Integer.toString(i));
                        }
                    }
                    if (errors.isEmpty()) {
                        users.delete(locked.keySet().toArray(UUID[]::new));
                    }
                    return new DeleteUsersPayload(given.stream().distinct().toList(), List.of());
                });
    }

    private void checkMemberships(UUID[] deleted, InputErrors errors, String argument) {
        if (users.haveTooManyMemberships(deleted)) {
            errors.check(
                    "Users with more than 50,000 memberships in all cannot be deleted: delete fewer, or remove them"
                            + " from groups first.",
                    argument);
        }
    }

    private boolean isValid(String name, String email, InputErrors errors) {
        errors.check(Names.problem(name), "name");
        errors.check(EmailAddress.problem(email), "email");
        if (!errors.isEmpty() && !errors.has("email")) {
            taken.check(List.of(new Address(email, null, List.of("email"))), errors);
        }
        return errors.isEmpty();
    }

    static User newUser(String name, String email, @Nullable Boolean active) {
        return new User(name.strip(), email, active == null || active, User.now());
    }

    static Consumer<InputErrors> batchSizeCheck(List<?> given, String argument) {
        return errors -> {
            if (given.isEmpty() || given.size() > MAX_BATCH) {
                errors.check("`%s` must have 1 to 1,000 entries, not %,d.".formatted(argument, given.size()), argument);
            }
        };
    }
}
