package dev.userdirectory.subscription;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import reactor.core.Disposable;
import reactor.core.Disposables;

/** Limits the total amount that each key may hold at a time. */
final class KeyedLimit {
    private final int limit;
    private final String name;
    private final Runnable onRefusal;
    private final Map<String, Integer> used = new ConcurrentHashMap<>();

    /**
     * @param name the end of the error message "At most 10 …": the objects that are counted, and for which key
     * @param onRefusal is run each time the limit is reached
     */
    KeyedLimit(int limit, String name, Runnable onRefusal) {
        this.limit = limit;
        this.name = name;
        this.onRefusal = onRefusal;
    }

    /**
     * Takes an amount until the result is disposed of.
     *
     * @throws LimitReached if the key would exceed the limit
     */
    Disposable acquire(String key, int amount) {
        AtomicBoolean acquired = new AtomicBoolean();
        used.compute(key, (same, before) -> {
            int now = before == null ? 0 : before;
            acquired.set(amount <= limit - now);
            return acquired.get() ? Integer.valueOf(now + amount) : before;
        });
        if (!acquired.get()) {
            onRefusal.run();
            throw new LimitReached("At most %,d %s".formatted(limit, name), limit);
        }
        return Disposables.composite(
                () -> used.computeIfPresent(key, (same, now) -> now == amount ? null : Integer.valueOf(now - amount)));
    }
}
