package dev.userdirectory.user;

import com.netflix.graphql.dgs.DgsComponent;
import com.netflix.graphql.dgs.DgsMutation;
import com.netflix.graphql.dgs.InputArgument;
import dev.userdirectory.generated.types.CreateUserPayload;
import dev.userdirectory.generated.types.CreateUsersPayload;
import dev.userdirectory.generated.types.DeleteUserPayload;
import dev.userdirectory.generated.types.NewUser;
import dev.userdirectory.generated.types.UpdateUserPayload;
import dev.userdirectory.graphql.scope.Caller;
import dev.userdirectory.input.InputErrors;
import dev.userdirectory.input.Names;
import dev.userdirectory.mutation.Mutations;
import dev.userdirectory.mutation.Rejected;
import dev.userdirectory.relay.GlobalIds;
import dev.userdirectory.user.UserInserts.EmailsTaken;
import graphql.schema.DataFetchingEnvironment;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.springframework.dao.DataIntegrityViolationException;

@DgsComponent
class UserMutations {
    private static final int MAX_BATCH = 1000;
    private static final UUID NOBODY = new UUID(0, 0);

    private final UserRepository users;
    private final UserInserts inserts;
    private final Mutations mutations;
    private final GlobalIds ids;

    UserMutations(UserRepository users, UserInserts inserts, Mutations mutations, GlobalIds ids) {
        this.users = users;
        this.inserts = inserts;
        this.mutations = mutations;
        this.ids = ids;
    }

    @DgsMutation
    CreateUserPayload createUser(
            @InputArgument String name, @InputArgument String email, Caller caller, DataFetchingEnvironment env) {
        if (Mutations.hasKey(env)) {
            return mutations.execute(env, errors -> new CreateUserPayload(null, errors), errors -> {
                if (!isValid(name, email, errors)) {
                    return null;
                }
                List<User> created = insertAll(List.of(newUser(name, email)), errors, i -> new String[] {"email"});
                return new CreateUserPayload(created.getFirst(), List.of());
            });
        }
        // Without a transaction of its own: concurrent creations share one.
        InputErrors errors = new InputErrors();
        if (!isValid(name, email, errors)) {
            return new CreateUserPayload(null, errors.list());
        }
        Optional<User> created = inserts.insert(newUser(name, email), caller.actor());
        if (created.isEmpty()) {
            errors.addTaken(email, "email");
        }
        return new CreateUserPayload(created.orElse(null), errors.list());
    }

    @DgsMutation
    CreateUsersPayload createUsers(@InputArgument("users") List<NewUser> newUsers, DataFetchingEnvironment env) {
        return mutations.execute(env, errors -> new CreateUsersPayload(List.of(), errors), errors -> {
            check(newUsers, errors);
            if (!errors.isEmpty()) {
                return null;
            }
            List<User> given = newUsers.stream()
                    .map(user -> newUser(user.getName(), user.getEmail()))
                    .toList();
            return new CreateUsersPayload(insertAll(given, errors, i -> path(i, "email")), List.of());
        });
    }

    @DgsMutation
    UpdateUserPayload updateUser(
            @InputArgument String id,
            @InputArgument @Nullable String name,
            @InputArgument @Nullable String email,
            @InputArgument @Nullable Boolean active,
            @InputArgument @Nullable Integer ifVersion,
            DataFetchingEnvironment env) {
        return mutations.execute(env, errors -> new UpdateUserPayload(null, errors), errors -> {
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
                return null;
            }
            user.get().update(name, email, active);
            try {
                users.flush();
            } catch (DataIntegrityViolationException e) {
                if (email == null || !EmailAddress.isTaken(e)) {
                    throw e;
                }
                errors.addTaken(email, "email");
                throw new Rejected(errors);
            }
            return new UpdateUserPayload(user.get(), List.of());
        });
    }

    @DgsMutation
    DeleteUserPayload deleteUser(
            @InputArgument String id, @InputArgument @Nullable Integer ifVersion, DataFetchingEnvironment env) {
        return mutations.execute(env, errors -> new DeleteUserPayload(null, errors), errors -> {
            Optional<User> user = find(id, ifVersion, env, errors);
            if (user.isEmpty() || !errors.isEmpty()) {
                return null;
            }
            users.delete(user.get());
            return new DeleteUserPayload(user.get().getId(), List.of());
        });
    }

    private boolean isValid(String name, String email, InputErrors errors) {
        errors.check(Names.problem(name), "name");
        errors.check(EmailAddress.problem(email), "email");
        if (!errors.isEmpty()) {
            addIfTaken(errors, email, Optional.empty());
        }
        return errors.isEmpty();
    }

    private static User newUser(String name, String email) {
        return new User(name.strip(), email, true, User.now());
    }

    /** @param path of the address of the user with this index */
    private List<User> insertAll(List<User> given, InputErrors errors, IntFunction<String[]> path) {
        try {
            return inserts.insertAll(given);
        } catch (EmailsTaken taken) {
            taken.indexes.forEach(i -> errors.addTaken(given.get(i).getEmail(), path.apply(i)));
            throw new Rejected(errors);
        }
    }

    private void check(List<NewUser> given, InputErrors errors) {
        if (given.isEmpty() || given.size() > MAX_BATCH) {
            errors.check("There must be 1 to 1,000 users, not " + given.size() + ".", "users");
            return;
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
        users.findTaken(emails, NOBODY).forEach(i -> errors.addTaken(emails[i], path(valid.get(i), "email")));
    }

    private static String[] path(int index, String field) {
        return new String[] {"users", Integer.toString(index), field};
    }

    private void addIfTaken(InputErrors errors, @Nullable String email, Optional<User> by) {
        if (email != null && !errors.has("email")) {
            users.findTaken(new String[] {email}, by.map(User::uuid).orElse(NOBODY))
                    .forEach(i -> errors.addTaken(email, "email"));
        }
    }

    /** Finds and locks the user. Adds an error if there is no such user or its version is not {@code ifVersion}. */
    private Optional<User> find(
            String id, @Nullable Integer ifVersion, DataFetchingEnvironment env, InputErrors errors) {
        Optional<User> user = ids.find(users::findAndLock, errors, User.TYPE, id, "id");
        errors.checkNotNull(env, "ifVersion");
        user.ifPresent(found -> errors.checkVersion(ifVersion, found.getVersion(), found.getId()));
        return user;
    }
}
