package dev.userdirectory.mutation;

import dev.userdirectory.graphql.limit.Buckets;
import io.github.bucket4j.EstimationProbe;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;

/**
 * Limits the bytes that are stored under the keys of a subject, with a token bucket that is refilled over the
 * retention. Counting the rows of a subject would take longer the more it has stored.
 */
@Component
class OutcomeBudgets {
    /** The size of a row and its index entries without the outcome, in bytes. */
    private static final int ROW = 400;

    private final long size;
    private final Buckets buckets;

    OutcomeBudgets(IdempotencyProperties properties) {
        size = properties.size().toBytes();
        buckets = new Buckets(size, properties.retention());
    }

    /** Returns the reason why the subject may not use a new key, or null. */
    @Nullable
    String problem(String subject) {
        EstimationProbe left = buckets.of(subject).estimateAbilityToConsume(1);
        return left.canBeConsumed()
                ? null
                : "The outcomes stored under this subject's keys take all of its %,d bytes. Try again in %,d s, or without a key."
                        .formatted(size, TimeUnit.NANOSECONDS.toSeconds(left.getNanosToWaitForRefill()) + 1);
    }

    /** The size of an outcome is known only after the mutation, so the last outcome may take more than is left. */
    void spend(String subject, int bytes) {
        buckets.of(subject).consumeIgnoringRateLimits(ROW + bytes);
    }
}
