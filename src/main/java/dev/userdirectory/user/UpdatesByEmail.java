package dev.userdirectory.user;

import dev.userdirectory.generated.types.NewUser;
import dev.userdirectory.input.InputErrors;
import dev.userdirectory.user.TakenEmails.Address;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.springframework.dao.CannotAcquireLockException;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.stereotype.Component;

/**
 * The updates of an upsert. If an address only reads like that of a user, it is TAKEN. If an earlier row has it, it is
 * INVALID.
 */
@Component
class UpdatesByEmail {
    private static final String REPEATED = "An earlier one of these users has this e-mail address.";

    private final UserRepository users;
    private final UserUpdates updates;
    private final TakenEmails taken;
    private final JdbcTemplate jdbc;

    UpdatesByEmail(UserRepository users, UserUpdates updates, TakenEmails taken, JdbcTemplate jdbc) {
        this.users = users;
        this.updates = updates;
        this.taken = taken;
        this.jdbc = jdbc;
    }

    /**
     * Changes the users who have these addresses, in the caller's transaction.
     *
     * @param given the rows to apply, by their index
     * @param created the users that other rows have just created
     */
    Map<Integer, User> make(Map<Integer, NewUser> given, Collection<User> created, InputErrors errors) {
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
            checkKnown(i, user.getEmail(), found, before, errors);
            found.update(user.getName(), null, user.getActive());
            updated.put(i, found);
        });
        users.flush();
        return updated;
    }

    /** Adds the errors that the well-formed addresses would cause, and changes nothing. */
    void check(List<NewUser> given, InputErrors errors) {
        List<Integer> wellFormed = IntStream.range(0, given.size())
                .filter(i -> !errors.has(BulkCreations.emailOf(i)))
                .boxed()
                .toList();
        Map<String, User> known = UsersByEmail.find(
                jdbc, wellFormed.stream().map(i -> given.get(i).getEmail()).toList());
        Set<UUID> before = new HashSet<>();
        List<Address> created = new ArrayList<>();
        for (int i : wellFormed) {
            String email = given.get(i).getEmail();
            User user = known.get(email);
            if (user == null) {
                created.add(new Address(email, null, List.of(BulkCreations.emailOf(i))));
            } else {
                checkKnown(i, email, user, before, errors);
            }
        }
        Set<Integer> takenEarlier = new HashSet<>(taken.find(created));
        Set<String> spellings = new HashSet<>();
        for (int i = 0; i < created.size(); i++) {
            Address address = created.get(i);
            String[] path = address.path().toArray(String[]::new);
            boolean isRepeated = !spellings.add(EmailAddress.lowerCased(address.email()));
            if (isRepeated) {
                errors.check(REPEATED, path);
            } else if (takenEarlier.contains(i)) {
                errors.addTaken(address.email(), path);
            }
        }
    }

    private static void checkKnown(int index, String email, User user, Set<UUID> before, InputErrors errors) {
        if (!user.hasEmail(email)) {
            errors.addTaken(email, BulkCreations.emailOf(index));
        } else if (!before.add(user.uuid())) {
            errors.check(REPEATED, BulkCreations.emailOf(index));
        }
    }
}
