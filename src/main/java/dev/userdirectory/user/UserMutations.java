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
import dev.userdirectory.graphql.scope.Caller;
import dev.userdirectory.input.InputErrors;
import dev.userdirectory.input.Names;
import dev.userdirectory.relay.GlobalIds;
import dev.userdirectory.user.UserInserts.EmailsTaken;
import graphql.schema.DataFetchingEnvironment;
import java.time.OffsetDateTime;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.springframework.dao.DataIntegrityViolationException;

@DgsComponent
class UserMutations {
    private static final int MAX_BATCH = 1000;
    private static final UUID NOBODY = new UUID(0, 0);

    private final UserRepository users;
    private final UserInserts inserts;
    private final WriteTransaction transaction;
    private final GlobalIds ids;

    UserMutations(UserRepository users, UserInserts inserts, WriteTransaction transaction, GlobalIds ids) {
        this.users = users;
        this.inserts = inserts;
        this.transaction = transaction;
        this.ids = ids;
    }

    @DgsMutation
    CreateUserPayload createUser(@InputArgument String name, @InputArgument String email, Caller caller) {
        InputErrors errors = new InputErrors();
        errors.check(Names.problem(name), "name");
        errors.check(EmailAddress.problem(email), "email");
        if (!errors.isEmpty()) {
            addIfTaken(errors, email, Optional.empty());
            return new CreateUserPayload(null, errors.list());
        }
        Optional<User> created = inserts.insert(new User(name.strip(), email, true, User.now()), caller.actor());
        if (created.isEmpty()) {
            addTaken(errors, "email");
        }
        return new CreateUserPayload(created.orElse(null), errors.list());
    }

    @DgsMutation
    CreateUsersPayload createUsers(@InputArgument("users") List<NewUser> newUsers, Caller caller) {
        InputErrors errors = check(newUsers);
        if (!errors.isEmpty()) {
            return new CreateUsersPayload(List.of(), errors.list());
        }
        OffsetDateTime now = User.now();
        Stream<User> users =
                newUsers.stream().map(user -> new User(user.getName().strip(), user.getEmail(), true, now));
        try {
            return new CreateUsersPayload(inserts.insertAll(users.toList(), caller.actor()), List.of());
        } catch (EmailsTaken taken) {
            taken.indexes.forEach(i -> addTaken(errors, path(i, "email")));
            return new CreateUsersPayload(List.of(), errors.list());
        }
    }

    @DgsMutation
    UpdateUserPayload updateUser(
            @InputArgument String id,
            @InputArgument @Nullable String name,
            @InputArgument @Nullable String email,
            @InputArgument @Nullable Boolean active,
            @InputArgument @Nullable Integer ifVersion,
            Caller caller,
            DataFetchingEnvironment env) {
        try {
            return transaction.execute(caller.actor(), () -> {
                InputErrors errors = new InputErrors();
                Optional<User> user = find(id, ifVersion, env, errors);
                if (env.containsArgument("name")) {
                    errors.check(Names.problem(name), "name");
                }
                if (env.containsArgument("email")) {
                    errors.check(EmailAddress.problem(email), "email");
                }
                errors.checkNotNull(env, "active");
                if (user.isEmpty() || !errors.isEmpty()) {
                    addIfTaken(errors, email, user);
                    return new UpdateUserPayload(null, errors.list());
                }
                user.get().update(name, email, active);
                return new UpdateUserPayload(user.get(), List.of());
            });
        } catch (DataIntegrityViolationException e) {
            if (!EmailAddress.isTaken(e)) {
                throw e;
            }
            InputErrors errors = new InputErrors();
            addTaken(errors, "email");
            return new UpdateUserPayload(null, errors.list());
        }
    }

    @DgsMutation
    DeleteUserPayload deleteUser(
            @InputArgument String id,
            @InputArgument @Nullable Integer ifVersion,
            Caller caller,
            DataFetchingEnvironment env) {
        return transaction.execute(caller.actor(), () -> {
            InputErrors errors = new InputErrors();
            Optional<User> user = find(id, ifVersion, env, errors);
            if (user.isEmpty() || !errors.isEmpty()) {
                return new DeleteUserPayload(null, errors.list());
            }
            users.delete(user.get());
            return new DeleteUserPayload(user.get().getId(), List.of());
        });
    }

    private InputErrors check(List<NewUser> given) {
        InputErrors errors = new InputErrors();
        if (given.isEmpty() || given.size() > MAX_BATCH) {
            errors.check("There must be 1 to 1,000 users, not " + given.size() + ".", "users");
            return errors;
        }
        for (int i = 0; i < given.size(); i++) {
            errors.check(Names.problem(given.get(i).getName()), path(i, "name"));
            errors.check(EmailAddress.problem(given.get(i).getEmail()), path(i, "email"));
        }
        // A batch that cannot be stored must not write, nor wait for other transactions. The insert finds the rest.
        List<Integer> valid = IntStream.range(0, given.size())
                .boxed()
                .filter(i -> !errors.has(path(i, "email")))
                .toList();
        String[] emails = valid.stream().map(i -> given.get(i).getEmail()).toArray(String[]::new);
        users.findTaken(emails, NOBODY).forEach(i -> addTaken(errors, path(valid.get(i), "email")));
        return errors;
    }

    private static String[] path(int index, String field) {
        return new String[] {"users", Integer.toString(index), field};
    }

    private void addIfTaken(InputErrors errors, @Nullable String email, Optional<User> by) {
        if (email != null && !errors.has("email")) {
            users.findTaken(new String[] {email}, by.map(User::uuid).orElse(NOBODY))
                    .forEach(i -> addTaken(errors, "email"));
        }
    }

    private static void addTaken(InputErrors errors, String... path) {
        errors.add(InputErrorCode.TAKEN, "Another user has this e-mail address.", path);
    }

    /** Finds and locks the user. Adds an error if there is no such user or its version is not {@code ifVersion}. */
    private Optional<User> find(
            String id, @Nullable Integer ifVersion, DataFetchingEnvironment env, InputErrors errors) {
        Optional<User> user = ids.find(users::findAndLock, errors, User.TYPE, id, "id");
        errors.checkNotNull(env, "ifVersion");
        user.ifPresent(found -> errors.checkVersion(ifVersion, found.getVersion()));
        return user;
    }
}
