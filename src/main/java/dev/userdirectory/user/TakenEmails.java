package dev.userdirectory.user;

import dev.userdirectory.input.InputErrors;
import java.util.List;
import java.util.Objects;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;

/** Finds addresses that a user cannot get because another user has them. */
@Component
class TakenEmails {
    private static final UUID NOBODY = new UUID(0, 0);

    private final UserRepository users;

    TakenEmails(UserRepository users) {
        this.users = users;
    }

    /**
     * An address that a user is about to get.
     *
     * @param user the user who may have it already; null for a new user
     * @param path the path of the argument
     */
    record Address(String email, @Nullable UUID user, List<String> path) {}

    /** Adds TAKEN for each address that another user has, or that occurs earlier in the list. */
    void check(List<Address> addresses, InputErrors errors) {
        find(addresses).forEach(i -> {
            Address address = addresses.get(i);
            errors.addTaken(address.email, address.path.toArray(String[]::new));
        });
    }

    /** Returns the indexes of addresses that another user has, or that occur earlier in the list. */
    List<Integer> find(List<Address> addresses) {
        if (addresses.isEmpty()) {
            return List.of();
        }
        String[] emails = addresses.stream().map(Address::email).toArray(String[]::new);
        UUID[] exempt = addresses.stream()
                .map(address -> Objects.requireNonNullElse(address.user, NOBODY))
                .toArray(UUID[]::new);
        return users.findTaken(emails, exempt);
    }
}
