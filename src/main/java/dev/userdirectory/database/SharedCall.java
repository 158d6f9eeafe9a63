package dev.userdirectory.database;

import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.function.Function;

/**
 * Makes one call for all threads that ask for the same while the call before is on its way, whose result none of them may
 * have: it may be from before they asked. What others ask for meanwhile holds nobody up.
 */
public final class SharedCall<K, V> {
    /** Of what the calls for one key return, in place of that key, which may take long to compare. */
    private static final String RESULT = "result";

    private final Function<K, V> loader;
    private final ConcurrentMap<K, Calls<V>> calls = new ConcurrentHashMap<>();

    /** @param threads who are in them, by the last of which they are forgotten */
    private record Calls<V>(RequestCollapser<String, V> collapser, int threads) {
        Calls<V> with(int more) {
            return new Calls<>(collapser, threads + more);
        }
    }

    /** @param loader returns something for every key */
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
