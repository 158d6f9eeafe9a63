package dev.userdirectory.user;

import dev.userdirectory.input.InputErrors;
import dev.userdirectory.input.Names;
import dev.userdirectory.mutation.Rejected;
import dev.userdirectory.relay.GlobalIds;
import dev.userdirectory.user.TakenEmails.Address;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.springframework.dao.CannotAcquireLockException;
import org.springframework.dao.DataIntegrityViolationException;
import org.springframework.stereotype.Component;

/** Checks and makes changes to users, in the caller's transaction. */
@Component
class UserUpdates {
    private final UserRepository users;
    private final TakenEmails taken;
    private final GlobalIds ids;

    UserUpdates(UserRepository users, TakenEmails taken, GlobalIds ids) {
        this.users = users;
        this.taken = taken;
        this.ids = ids;
    }

    /**
     * Returns the users with these IDs that exist, keyed by ID. No other transaction can change them until this one
     * ends.
     */
    Map<UUID, User> lock(Stream<UUID> uuids) {
        return users.findAndLock(uuids.distinct().toArray(UUID[]::new)).stream()
                .collect(Collectors.toMap(User::uuid, Function.identity()));
    }

    /**
     * Makes all changes, unless there are errors.
     *
     * @param changes the arguments of {@code updateUser}, or a list of {@code UserChange}
     * @param argument the argument that has the list; null for {@code updateUser}
     * @return the users after the changes, in the same order; empty if there are errors
     * @throws Rejected if another transaction has just taken an address
     */
    List<User> make(List<Map<String, Object>> changes, @Nullable String argument, InputErrors errors) {
        List<Change> all = IntStream.range(0, changes.size())
                .mapToObj(i -> new Change(
                        changes.get(i), argument == null ? List.of() : List.of(argument, Integer.toString(i))))
                .toList();
        List<Optional<UUID>> uuids = all.stream()
                .map(change -> ids.check(errors, User.TYPE, change.id(), change.path("id")))
                .toList();
        Map<UUID, User> locked = lock(uuids.stream().flatMap(Optional::stream));
        Set<User> found = new HashSet<>();
        List<Address> addresses = new ArrayList<>();
        for (int i = 0; i < all.size(); i++) {
            Change change = all.get(i);
            Optional<User> user = uuids.get(i).map(locked::get);
            if (user.isEmpty() && uuids.get(i).isPresent()) {
                GlobalIds.addNotFound(errors, User.TYPE, change.path("id"));
            }
            if (user.isPresent() && !found.add(user.get())) {
                errors.check("An earlier change is of the same user.", change.path("id"));
            }
            change.check(user, errors).ifPresent(addresses::add);
        }
        // If there are no other errors, the flush detects whether a single address is taken.
        if (addresses.size() > 1 || !errors.isEmpty()) {
            taken.check(addresses, errors);
        }
        if (!errors.isEmpty()) {
            return List.of();
        }
        List<User> updated =
                uuids.stream().map(uuid -> locked.get(uuid.orElseThrow())).toList();
        for (int i = 0; i < all.size(); i++) {
            Change change = all.get(i);
            updated.get(i)
                    .update(
                            change.get("name", String.class),
                            change.get("email", String.class),
                            change.get("active", Boolean.class));
        }
        try {
            users.flush();
        } catch (DataIntegrityViolationException e) {
            if (!EmailAddress.isTaken(e)) {
                throw e;
            }
            if (addresses.size() > 1) {
                throw new CannotAcquireLockException("Another attempt will find the address that was taken", e);
            }
            errors.addTaken(
                    addresses.getFirst().email(), addresses.getFirst().path().toArray(String[]::new));
            throw new Rejected(errors);
        }
        return updated;
    }

    private record Change(Map<String, Object> given, List<String> at) {
        <T> @Nullable T get(String field, Class<T> type) {
            return type.cast(given.get(field));
        }

        String id() {
            return Objects.requireNonNull(get("id", String.class));
        }

        String[] path(String field) {
            return Stream.concat(at.stream(), Stream.of(field)).toArray(String[]::new);
        }

        /** Returns the address if it is new and well-formed. */
        Optional<Address> check(Optional<User> user, InputErrors errors) {
            errors.checkNotNull(given, path("ifVersion"));
            user.ifPresent(found -> errors.checkVersion(
                    get("ifVersion", Integer.class), found.getVersion(), found.getId(), path("ifVersion")));
            if (given.containsKey("name")) {
                errors.check(Names.problem(get("name", String.class)), path("name"));
            }
            errors.checkNotNull(given, path("active"));
            if (!given.containsKey("email")) {
                return Optional.empty();
            }
            String email = get("email", String.class);
            String problem = EmailAddress.problem(email);
            errors.check(problem, path("email"));
            boolean isUnchanged = user.isPresent() && user.get().getEmail().equals(email);
            return email == null || problem != null || isUnchanged
                    ? Optional.empty()
                    : Optional.of(new Address(email, user.map(User::uuid).orElse(null), List.of(path("email"))));
        }
    }
}
