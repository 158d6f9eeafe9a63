package dev.userdirectory.event;

import dev.userdirectory.user.User;
import dev.userdirectory.user.UserDataLoader;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;

/** Loads the users of events: for many subscribers at once, and nobody's as it was before the event. */
@Component
class FreshUsers {
    private final UserDataLoader users;

    FreshUsers(UserDataLoader users) {
        this.users = users;
    }

    /** The user, or null if there is none; on a thread that may wait. */
    CompletableFuture<@Nullable User> load(UUID id) {
        return CompletableFuture.supplyAsync(() -> users.find(Set.of(id)).get(id), Thread::startVirtualThread);
    }
}
