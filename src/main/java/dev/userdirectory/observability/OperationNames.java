package dev.userdirectory.observability;

import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The names of operations that metrics distinguish. Clients choose the names, and each one adds several time series, so
 * their number is limited. Only callers with a token may add one, provided that there is room or that another name has
 * not been used for some time.
 */
class OperationNames {
    static final String OTHER = "other";
    /** How long a name must be unused before another one may replace it. Former clients must not lock out new ones. */
    private static final long IDLE = Duration.ofMinutes(10).toNanos();

    private static final int MAX_LENGTH = 100;

    private final int limit;
    private final Consumer<String> forget;
    /** When each name was last used, by {@link System#nanoTime()}. */
    private final Map<String, Long> used = new ConcurrentHashMap<>();

    /** @param forget removes the meters of a name */
    OperationNames(int limit, Consumer<String> forget) {
        this.limit = limit;
        this.forget = forget;
    }

    /** Returns the value of the tag: the name or, if it cannot be added, {@code other}. */
    String tag(String name, boolean mayAdd) {
        long now = System.nanoTime();
        Long last = used.get(name);
        if (last != null) {
            if (now - last > IDLE / 10) {
                used.replace(name, now);
            }
            return name;
        }
        return mayAdd && name.length() <= MAX_LENGTH && add(name, now) ? name : OTHER;
    }

    private synchronized boolean add(String name, long now) {
        if (used.size() >= limit) {
            String idle = longestIdle(now);
            if (idle == null) {
                return false;
            }
            used.remove(idle);
            forget.accept(idle);
        }
        used.put(name, now);
        return true;
    }

    private @Nullable String longestIdle(long now) {
        String found = null;
        long longest = IDLE;
        for (Map.Entry<String, Long> name : used.entrySet()) {
            long idle = now - name.getValue();
            if (idle > longest) {
                longest = idle;
                found = name.getKey();
            }
        }
        return found;
    }
}
