package dev.userdirectory.platform;

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
public final class SingleFlight<K, V> {
    private final Function<K, V> loader;
    private final ConcurrentMap<K, Calls<K, V>> calls = new ConcurrentHashMap<>();

    /** @param threads who are in them, by the last of which they are forgotten */
    private record Calls<K, V>(RequestCollapser<K, V> collapser, int threads) {
        Calls<K, V> with(int more) {
            return new Calls<>(collapser, threads + more);
        }
    }

    /** @param loader returns something for every key */
    public SingleFlight(Function<K, V> loader) {
        this.loader = loader;
    }

    /** @throws CancellationException if the thread is interrupted */
    public V load(K key) {
        Calls<K, V> ofKey = Objects.requireNonNull(calls.compute(
                key,
                (same, found) -> found == null
                        ? new Calls<>(new RequestCollapser<>(1, keys -> Map.of(key, loader.apply(key))), 1)
                        : found.with(1)));
        try {
            return Objects.requireNonNull(ofKey.collapser.load(Set.of(key)).get(key));
        } finally {
            calls.computeIfPresent(key, (same, found) -> found.threads == 1 ? null : found.with(-1));
        }
    }
}
