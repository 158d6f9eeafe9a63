package dev.userdirectory.event;

import dev.userdirectory.platform.RequestCollapser;
import dev.userdirectory.user.User;
import dev.userdirectory.user.UserDataLoader;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;

/** Loads the users of events for many subscribers at once, and nobody's as it was before the event. */
@Component
class FreshUsers {
    private final RequestCollapser<UUID, User> users;

    FreshUsers(UserDataLoader users) {
        this.users = new RequestCollapser<>(users::find);
    }

    /** The user, or null if there is none. What depends on it is run on a thread of its own. */
    CompletableFuture<@Nullable User> load(UUID id) {
        return users.load(id).thenApplyAsync(found -> found, Thread::startVirtualThread);
    }
}
