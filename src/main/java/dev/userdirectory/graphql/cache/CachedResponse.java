package dev.userdirectory.graphql.cache;

import dev.userdirectory.graphql.limit.Weight;
import java.time.Duration;
import java.time.Instant;

/**
 * A response without errors.
 *
 * @param state the {@link DatabaseState} from before it was read: it is at least as new
 * @param expires when the schema no longer allows it to be given out
 * @param maxAge for how many seconds the schema allows that from the beginning
 * @param nanos how long it took to execute
 * @param json as it is sent
 */
@SuppressWarnings("ArrayRecordComponent") // Nobody compares answers.
record CachedResponse(String state, Instant expires, int maxAge, long nanos, byte[] json) {
    boolean isTrue(String currentState) {
        return state.equals(currentState) && Instant.now().isBefore(expires);
    }

    /** At most as long as the schema allows at all, also after the clock was set back. */
    Duration remaining() {
        Duration remaining = Duration.between(Instant.now(), expires);
        Duration most = Duration.ofSeconds(maxAge);
        if (remaining.isNegative()) {
            return Duration.ZERO;
        }
        return remaining.compareTo(most) > 0 ? most : remaining;
    }

    /** About as many as it takes in memory. */
    long bytes() {
        return 3L * Weight.OBJECT + Weight.of(state) + json.length;
    }
}
