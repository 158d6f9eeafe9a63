package dev.userdirectory.event;

import dev.userdirectory.user.User;
import dev.userdirectory.user.UserDataLoader;
import java.util.HashMap;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;

/**
 * Loads the users of events for many subscribers at once. One statement runs at a time, for all who have asked while the
 * one before ran; whoever asks later waits for the next, so that nobody is shown what was read before the event.
 */
@Component
class FreshUsers {
    private final UserDataLoader users;
    private final Executor threads = Thread::startVirtualThread;
    private Map<UUID, CompletableFuture<@Nullable User>> waiting = new HashMap<>();
    private boolean loading;

    FreshUsers(UserDataLoader users) {
        this.users = users;
    }

    /** The user, or null if there is none. What depends on it is run on a thread of its own. */
    synchronized CompletableFuture<@Nullable User> load(UUID id) {
        CompletableFuture<@Nullable User> user = waiting.computeIfAbsent(id, key -> new CompletableFuture<>());
        if (!loading) {
            loading = true;
            threads.execute(this::loadWaiting);
        }
        return user.thenApplyAsync(found -> found, threads);
    }

    private void loadWaiting() {
        for (var batch = takeWaiting(); !batch.isEmpty(); batch = takeWaiting()) {
            try {
                Map<UUID, User> found = users.find(batch.keySet());
                batch.forEach((id, user) -> user.complete(found.get(id)));
            } catch (RuntimeException e) {
                batch.values().forEach(user -> user.completeExceptionally(e));
            }
        }
    }

    private synchronized Map<UUID, CompletableFuture<@Nullable User>> takeWaiting() {
        Map<UUID, CompletableFuture<@Nullable User>> batch = waiting;
        waiting = new HashMap<>();
        loading = !batch.isEmpty();
        return batch;
    }
}
