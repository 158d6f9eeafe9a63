package dev.userdirectory.database;

import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.function.Function;

/**
 * Makes one call for all threads that ask for the same key while the previous call for it is in flight. They cannot use
 * the previous call's result: it may have been read before they asked. Calls for different keys run side by side.
 */
public final class SharedCall<K, V> {
    /** Stands for the key within its own calls, since the key itself may take long to compare. */
    private static final String RESULT = "result";

    private final Function<K, V> loader;
    private final ConcurrentMap<K, Calls<V>> calls = new ConcurrentHashMap<>();

    /** @param threads how many threads are in {@link #load} for this key; the last one to leave removes it */
    private record Calls<V>(RequestCollapser<String, V> collapser, int threads) {
        Calls<V> with(int more) {
            return new Calls<>(collapser, threads + more);
        }
    }

    /** @param loader returns a value for every key */
    public SharedCall(Function<K, V> loader) {
        this.loader = loader;
    }

    /** @throws CancellationException if the thread is interrupted */
    public V load(K key) {
        Calls<V> ofKey = Objects.requireNonNull(calls.compute(
                key,
                (same, found) -> found == null
                        ? new Calls<>(RequestCollapser.ofRequests(results -> Map.of(RESULT, loader.apply(key))), 1)
                        : found.with(1)));
        try {
            return Objects.requireNonNull(ofKey.collapser.load(Set.of(RESULT)).get(RESULT));
        } finally {
            calls.computeIfPresent(key, (same, found) -> found.threads == 1 ? null : found.with(-1));
        }
    }
}
