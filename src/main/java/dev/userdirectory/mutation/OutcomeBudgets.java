package dev.userdirectory.mutation;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import dev.userdirectory.graphql.limit.Weight;
import io.github.bucket4j.Bucket;
import io.github.bucket4j.EstimationProbe;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;

/**
 * Limits how much is stored under the keys of a subject: a bucket of bytes, which is refilled over the retention. Counting
 * the rows of a subject would take longer the more it has stored.
 */
@Component
class OutcomeBudgets {
    /** Buckets may be evicted: a caller with so many subjects is not held back by buckets anyway. */
    private static final int MEMORY = 16_000_000;

    private static final int BUCKET = 300;
    /** What a row and its index entries take besides the outcome, in bytes. */
    private static final int ROW = 400;

    private final IdempotencyProperties properties;
    private final Cache<String, Bucket> buckets;

    OutcomeBudgets(IdempotencyProperties properties) {
        this.properties = properties;
        buckets = Caffeine.newBuilder()
                .maximumWeight(MEMORY)
                .<String, Bucket>weigher((subject, bucket) -> Weight.sum(Weight.ENTRY + BUCKET + Weight.of(subject)))
                // By then the bucket is full again, like a new one.
                .expireAfterAccess(properties.retention())
                .build();
    }

    /** Returns why the subject may not store anything under a new key, or null. */
    @Nullable
    String problem(String subject) {
        EstimationProbe left = bucket(subject).estimateAbilityToConsume(1);
        return left.canBeConsumed()
                ? null
                : "What is stored under this subject's keys takes all of its %,d bytes. Try again in %,d s, or without a key."
                        .formatted(
                                properties.size().toBytes(),
                                TimeUnit.NANOSECONDS.toSeconds(left.getNanosToWaitForRefill()) + 1);
    }

    /** Outcomes are only known once they are there, so the last one may take more than is left. */
    void spend(String subject, int bytes) {
        bucket(subject).consumeIgnoringRateLimits(ROW + bytes);
    }

    private Bucket bucket(String subject) {
        long size = properties.size().toBytes();
        return buckets.get(
                subject,
                name -> Bucket.builder()
                        .addLimit(limit -> limit.capacity(size).refillGreedy(size, properties.retention()))
                        // This clock is monotonic: if the wall clock were set back, nothing would be refilled for a
                        // while.
                        .withNanosecondPrecision()
                        .build());
    }
}
