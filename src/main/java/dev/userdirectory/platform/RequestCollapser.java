package dev.userdirectory.platform;

import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Loads what many ask for at once. One call runs at a time, for all who have asked while the one before ran; whoever asks
 * later waits for the next, so that nobody is given what was read before they asked.
 */
public final class RequestCollapser<K, V> {
    private final Function<Set<K>, Map<K, V>> loader;
    private Map<K, CompletableFuture<@Nullable V>> waiting = new HashMap<>();
    private boolean loading;

    /** @param loader called on a virtual thread; it leaves out the keys of which there is nothing */
    public RequestCollapser(Function<Set<K>, Map<K, V>> loader) {
        this.loader = loader;
    }

    /** What the loader has found, or null, or its exception. What depends on it must not block: others wait too. */
    public synchronized CompletableFuture<@Nullable V> load(K key) {
        CompletableFuture<@Nullable V> value = waiting.computeIfAbsent(key, asked -> new CompletableFuture<>());
        if (!loading) {
            loading = true;
            Thread.startVirtualThread(this::loadWaiting);
        }
        return value;
    }

    private void loadWaiting() {
        for (var batch = takeWaiting(); !batch.isEmpty(); batch = takeWaiting()) {
            try {
                Map<K, V> found = loader.apply(batch.keySet());
                batch.forEach((key, value) -> value.complete(found.get(key)));
            } catch (RuntimeException e) {
                batch.values().forEach(value -> value.completeExceptionally(e));
            }
        }
    }

    private synchronized Map<K, CompletableFuture<@Nullable V>> takeWaiting() {
        Map<K, CompletableFuture<@Nullable V>> batch = waiting;
        waiting = new HashMap<K, CompletableFuture<@Nullable V>>();
        loading = !batch.isEmpty();
        return batch;
    }
}
