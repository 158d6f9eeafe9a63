package dev.userdirectory.graphql.cache;

import dev.userdirectory.graphql.limit.Weight;
import java.time.Duration;
import java.time.Instant;

/**
 * A response without errors.
 *
 * @param state the {@link DatabaseState} before the response was read; the data is at least as new
 * @param expires when the {@code maxAge} of the schema is over
 * @param maxAge the {@code maxAge} of the schema, in seconds
 * @param nanos how long the execution took
 * @param json the response as it is sent
 */
@SuppressWarnings("ArrayRecordComponent") // Responses are never compared.
record CachedResponse(String state, Instant expires, int maxAge, long nanos, byte[] json) {
    boolean isTrue(String currentState) {
        return state.equals(currentState) && Instant.now().isBefore(expires);
    }

    /** At most the {@code maxAge} of the schema, even after the clock was set back. */
    Duration remaining() {
        Duration remaining = Duration.between(Instant.now(), expires);
        Duration most = Duration.ofSeconds(maxAge);
        if (remaining.isNegative()) {
            return Duration.ZERO;
        }
        return remaining.compareTo(most) > 0 ? most : remaining;
    }

    /** An estimate of its memory. */
    long bytes() {
        return 3L * Weight.OBJECT + Weight.of(state) + json.length;
    }
}
