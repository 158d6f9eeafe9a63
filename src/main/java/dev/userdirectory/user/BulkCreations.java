package dev.userdirectory.user;

import com.netflix.graphql.dgs.DgsComponent;
import com.netflix.graphql.dgs.DgsMutation;
import com.netflix.graphql.dgs.InputArgument;
import dev.userdirectory.generated.types.BulkMode;
import dev.userdirectory.generated.types.CreateUserPayload;
import dev.userdirectory.generated.types.CreateUsersPayload;
import dev.userdirectory.generated.types.NewUser;
import dev.userdirectory.generated.types.UpsertUsersPayload;
import dev.userdirectory.input.InputError;
import dev.userdirectory.input.InputErrors;
import dev.userdirectory.input.Names;
import dev.userdirectory.mutation.Mutations;
import dev.userdirectory.mutation.Rejected;
import dev.userdirectory.user.TakenEmails.Address;
import graphql.schema.DataFetchingEnvironment;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.stream.IntStream;

/** Mutations that take a list of {@code NewUser}. */
@DgsComponent
class BulkCreations {
    private final UserInserts inserts;
    private final UpdatesByEmail updates;
    private final TakenEmails taken;
    private final Mutations mutations;

    BulkCreations(UserInserts inserts, UpdatesByEmail updates, TakenEmails taken, Mutations mutations) {
        this.inserts = inserts;
        this.updates = updates;
        this.taken = taken;
        this.mutations = mutations;
    }

    @DgsMutation
    CreateUsersPayload createUsers(
            @InputArgument("users") List<NewUser> given, @InputArgument BulkMode mode, DataFetchingEnvironment env) {
        return mutations.execute(
                env,
                errors -> payload(given, Map.of(), errors),
                UserMutations.batchSizeCheck(given, "users"),
                errors -> {
                    InputErrors rejections = mode == BulkMode.EACH ? new InputErrors() : errors;
                    checkForm(given, rejections);
                    Map<Integer, List<InputError>> malformed = rejections.byElement("users");
                    // A batch that cannot be stored must neither write nor wait for other transactions. The insert
                    // finds any remaining conflicts.
                    taken.check(
                            IntStream.range(0, given.size())
                                    .boxed()
                                    .filter(i -> !rejections.has(emailOf(i)))
                                    // The address of a user who will not be created stays free for a later one.
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
        return mutations.execute(
                env,
                errors -> new UpsertUsersPayload(List.of(), errors.list()),
                UserMutations.batchSizeCheck(given, "users"),
                errors -> {
                    checkForm(given, errors);
                    if (!errors.isEmpty()) {
                        updates.check(given, errors);
                        return null;
                    }
                    Map<Integer, User> stored = insert(given, new InputErrors());
                    Map<Integer, NewUser> others = new TreeMap<>();
                    for (int i = 0; i < given.size(); i++) {
                        if (!stored.containsKey(i)) {
                            others.put(i, given.get(i));
                        }
                    }
                    stored.putAll(updates.make(others, stored.values(), errors));
                    if (!errors.isEmpty()) {
                        throw new Rejected(errors);
                    }
                    return new UpsertUsersPayload(
                            IntStream.range(0, given.size())
                                    .mapToObj(stored::get)
                                    .toList(),
                            List.of());
                });
    }

    private static void checkForm(List<NewUser> given, InputErrors errors) {
        for (int i = 0; i < given.size(); i++) {
            errors.check(Names.problem(given.get(i).getName()), "users", Integer.toString(i), "name");
            errors.check(EmailAddress.problem(given.get(i).getEmail()), emailOf(i));
        }
    }

    static String[] emailOf(int index) {
        return new String[] {"users", Integer.toString(index), "email"};
    }

    /**
     * Stores the users that have no errors, and returns them by their indexes. Adds TAKEN for each user whose address
     * another transaction has just taken.
     */
    private Map<Integer, User> insert(List<NewUser> given, InputErrors errors) {
        Map<Integer, List<InputError>> rejected = errors.byElement("users");
        List<Integer> valid = IntStream.range(0, given.size())
                .boxed()
                .filter(i -> !rejected.containsKey(i))
                .toList();
        Map<Integer, User> stored = inserts.insertAll(valid.stream()
                .map(given::get)
                .map(user -> UserMutations.newUser(user.getName(), user.getEmail(), user.getActive()))
                .toList());
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
}
