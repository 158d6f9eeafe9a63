package dev.userdirectory.cache;

import dev.userdirectory.policy.Weight;
import java.time.Duration;
import java.time.Instant;

/**
 * A response without errors.
 *
 * @param state the {@link DatabaseState} from before it was read: it is at least as new
 * @param expires when the schema no longer allows it to be given out
 * @param nanos how long it took to execute
 * @param json as it is sent
 */
@SuppressWarnings("ArrayRecordComponent") // Nobody compares answers.
record Answer(String state, Instant expires, long nanos, byte[] json) {
    boolean isTrue(String currentState) {
        return state.equals(currentState) && Instant.now().isBefore(expires);
    }

    Duration remaining() {
        Duration remaining = Duration.between(Instant.now(), expires);
        return remaining.isNegative() ? Duration.ZERO : remaining;
    }

    /** About as many as it takes in memory. */
    long bytes() {
        return 3L * Weight.OBJECT + Weight.of(state) + json.length;
    }
}
