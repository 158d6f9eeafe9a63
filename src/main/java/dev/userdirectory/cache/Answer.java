package dev.userdirectory.cache;

import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The data of a response without errors.
 *
 * @param state the {@link DatabaseState} from before it was read: it is at least as new
 * @param expires when the schema no longer allows it to be given out
 * @param nanos how long it took to execute
 */
record Answer(String state, Instant expires, long nanos, Map<String, @Nullable Object> data) {
    private static final int BYTES_PER_VALUE = 64;

    boolean isTrue(String currentState) {
        return state.equals(currentState) && Instant.now().isBefore(expires);
    }

    Duration remaining() {
        Duration remaining = Duration.between(Instant.now(), expires);
        return remaining.isNegative() ? Duration.ZERO : remaining;
    }

    /** About as many as it takes in memory. */
    int bytes() {
        return (int) Math.min(Integer.MAX_VALUE, bytes(data));
    }

    private static long bytes(@Nullable Object value) {
        long content = switch (value) {
            case Map<?, ?> map -> map.values().stream().mapToLong(Answer::bytes).sum();
            case Collection<?> list -> list.stream().mapToLong(Answer::bytes).sum();
            case String text -> text.length() * 2L;
            case null -> 0;
            default -> 0;
        };
        return BYTES_PER_VALUE + content;
    }
}
