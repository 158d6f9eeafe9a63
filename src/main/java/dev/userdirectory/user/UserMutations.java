package dev.userdirectory.user;

import com.netflix.graphql.dgs.DgsComponent;
import com.netflix.graphql.dgs.DgsMutation;
import com.netflix.graphql.dgs.InputArgument;
import dev.userdirectory.database.WriteTransaction;
import dev.userdirectory.generated.types.CreateUserPayload;
import dev.userdirectory.generated.types.CreateUsersPayload;
import dev.userdirectory.generated.types.DeleteUserPayload;
import dev.userdirectory.generated.types.InputErrorCode;
import dev.userdirectory.generated.types.NewUser;
import dev.userdirectory.generated.types.UpdateUserPayload;
import dev.userdirectory.input.InputErrors;
import dev.userdirectory.input.Text;
import dev.userdirectory.relay.GlobalId;
import dev.userdirectory.relay.NodeType;
import graphql.schema.DataFetchingEnvironment;
import java.text.Normalizer;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.stream.IntStream;
import org.hibernate.exception.ConstraintViolationException;
import org.jspecify.annotations.Nullable;
import org.springframework.dao.DataIntegrityViolationException;

@DgsComponent
class UserMutations {
    private static final int MAX_BATCH = 1000;
    private static final int MAX_ATTEMPTS = 10;
    private static final UUID NOBODY = new UUID(0, 0);
    private static final Set<String> EMAIL_KEYS = Set.of("users_email_key_email_twin_key", "users_email_lower_key");
    private static final String TAKEN = "Another user has this e-mail address.";

    private final UserRepository users;
    private final UserInserts inserts;
    private final WriteTransaction transaction;

    UserMutations(UserRepository users, UserInserts inserts, WriteTransaction transaction) {
        this.users = users;
        this.inserts = inserts;
        this.transaction = transaction;
    }

    @DgsMutation
    CreateUserPayload createUser(@InputArgument String name, @InputArgument String email) {
        InputErrors errors = new InputErrors();
        errors.check(Text.nameProblem(name), "name");
        errors.check(Text.emailProblem(email), "email");
        if (!errors.isEmpty()) {
            addTaken(errors, email, Optional.empty());
            return new CreateUserPayload(null, errors.list());
        }
        Optional<User> created = inserts.insert(new User(name.strip(), email, true, User.now()));
        if (created.isEmpty()) {
            errors.add(InputErrorCode.TAKEN, TAKEN, "email");
        }
        return new CreateUserPayload(created.orElse(null), errors.list());
    }

    @DgsMutation
    CreateUsersPayload createUsers(@InputArgument("users") List<NewUser> newUsers) {
        if (newUsers.isEmpty() || newUsers.size() > MAX_BATCH) {
            InputErrors errors = new InputErrors();
            errors.check("There must be 1 to 1,000 users, not " + newUsers.size() + ".", "users");
            return new CreateUsersPayload(List.of(), errors.list());
        }
        return create(newUsers);
    }

    @DgsMutation
    UpdateUserPayload updateUser(
            @InputArgument String id,
            @InputArgument @Nullable String name,
            @InputArgument @Nullable String email,
            @InputArgument @Nullable Boolean active,
            @InputArgument @Nullable Integer ifVersion,
            DataFetchingEnvironment env) {
        try {
            return transaction.execute(() -> {
                InputErrors errors = new InputErrors();
                Optional<User> user = find(id, ifVersion, env, errors);
                if (env.containsArgument("name")) {
                    errors.check(Text.nameProblem(name), "name");
                }
                if (env.containsArgument("email")) {
                    errors.check(Text.emailProblem(email), "email");
                }
                errors.checkNotNull(env, "active");
                if (user.isEmpty() || !errors.isEmpty()) {
                    addTaken(errors, email, user);
                    return new UpdateUserPayload(null, errors.list());
                }
                user.get().update(name, email, active);
                return new UpdateUserPayload(user.get(), List.of());
            });
        } catch (DataIntegrityViolationException e) {
            throwUnlessTaken(e);
            InputErrors errors = new InputErrors();
            errors.add(InputErrorCode.TAKEN, TAKEN, "email");
            return new UpdateUserPayload(null, errors.list());
        }
    }

    @DgsMutation
    DeleteUserPayload deleteUser(
            @InputArgument String id, @InputArgument @Nullable Integer ifVersion, DataFetchingEnvironment env) {
        return transaction.execute(() -> {
            InputErrors errors = new InputErrors();
            Optional<User> user = find(id, ifVersion, env, errors);
            if (user.isEmpty() || !errors.isEmpty()) {
                return new DeleteUserPayload(null, errors.list());
            }
            users.delete(user.get());
            return new DeleteUserPayload(user.get().getId(), List.of());
        });
    }

    /** Creates all users or none. If the unique key rejects an address that seemed free, looks it up again. */
    private CreateUsersPayload create(List<NewUser> newUsers) {
        InputErrors errors = new InputErrors();
        for (int i = 0; i < newUsers.size(); i++) {
            errors.check(Text.nameProblem(newUsers.get(i).getName()), path(i, "name"));
            errors.check(Text.emailProblem(newUsers.get(i).getEmail()), path(i, "email"));
        }
        for (int attempt = 1; ; attempt++) {
            addTaken(errors, newUsers);
            if (!errors.isEmpty()) {
                return new CreateUsersPayload(List.of(), errors.list());
            }
            try {
                return new CreateUsersPayload(transaction.execute(() -> insert(newUsers)), List.of());
            } catch (DataIntegrityViolationException e) {
                throwUnlessTaken(e);
                // If the next look-up finds no address taken, it has become free again, and the insert is repeated.
                if (attempt == MAX_ATTEMPTS) {
                    throw e;
                }
            }
        }
    }

    private static String[] path(int index, String field) {
        return new String[] {"users", Integer.toString(index), field};
    }

    private List<User> insert(List<NewUser> newUsers) {
        OffsetDateTime now = User.now();
        List<User> inOrderGiven = newUsers.stream()
                .map(user -> new User(user.getName().strip(), user.getEmail(), true, now))
                .toList();
        // One order for every batch, whatever the spelling: two batches that wait for each other's addresses would
        // deadlock.
        List<User> inOrderOfKeys = new ArrayList<>(inOrderGiven);
        inOrderOfKeys.sort(Comparator.comparing(
                user -> Normalizer.normalize(user.getEmail(), Normalizer.Form.NFKC), String.CASE_INSENSITIVE_ORDER));
        users.saveAll(inOrderOfKeys);
        return inOrderGiven;
    }

    private void addTaken(InputErrors errors, List<NewUser> newUsers) {
        int[] valid = IntStream.range(0, newUsers.size())
                .filter(i -> !errors.has(path(i, "email")))
                .toArray();
        String[] emails =
                IntStream.of(valid).mapToObj(i -> newUsers.get(i).getEmail()).toArray(String[]::new);
        for (int index : users.findTaken(emails, NOBODY)) {
            errors.add(InputErrorCode.TAKEN, TAKEN, path(valid[index], "email"));
        }
    }

    private void addTaken(InputErrors errors, @Nullable String email, Optional<User> by) {
        if (email != null && !errors.has("email")) {
            UUID except = by.map(User::uuid).orElse(NOBODY);
            if (!users.findTaken(new String[] {email}, except).isEmpty()) {
                errors.add(InputErrorCode.TAKEN, TAKEN, "email");
            }
        }
    }

    private static void throwUnlessTaken(DataIntegrityViolationException e) {
        if (!(e.getCause() instanceof ConstraintViolationException violation)
                || violation.getConstraintName() == null
                || !EMAIL_KEYS.contains(violation.getConstraintName())) {
            throw e;
        }
    }

    /** Finds and locks the user. Adds an error if there is no such user or its version is not {@code ifVersion}. */
    private Optional<User> find(
            String id, @Nullable Integer ifVersion, DataFetchingEnvironment env, InputErrors errors) {
        Optional<UUID> uuid = GlobalId.check(errors, NodeType.USER, id, "id");
        Optional<User> user = uuid.flatMap(users::findAndLock);
        if (uuid.isPresent() && user.isEmpty()) {
            GlobalId.addNotFound(errors, NodeType.USER, "id");
        }
        errors.checkNotNull(env, "ifVersion");
        user.ifPresent(found -> errors.checkVersion(ifVersion, found.getVersion()));
        return user;
    }
}
