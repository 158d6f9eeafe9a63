package dev.userdirectory.graphql.limit;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import io.github.bucket4j.Bandwidth;
import io.github.bucket4j.Bucket;
import java.time.Duration;

/**
 * Token buckets of this instance, one for each account, within 16 MB. A bucket that has not been used for a period is
 * full.
 */
public final class Buckets {
    /** Buckets may be evicted: they would not hold back an attacker with that many accounts anyway. */
    private static final int MEMORY = 16_000_000;

    private static final int BUCKET = 300;

    private final Bandwidth bandwidth;
    private final Cache<String, Bucket> buckets;

    /** @param period how long an empty bucket takes to become full */
    public Buckets(long capacity, Duration period) {
        bandwidth = Bandwidth.builder()
                .capacity(capacity)
                .refillGreedy(capacity, period)
                .build();
        buckets = Caffeine.newBuilder()
                .maximumWeight(MEMORY)
                .<String, Bucket>weigher((account, bucket) -> Weight.sum(Weight.ENTRY + BUCKET + Weight.of(account)))
                // By then the bucket is full again, like a new one.
                .expireAfterAccess(period)
                .build();
    }

    Bandwidth bandwidth() {
        return bandwidth;
    }

    public Bucket of(String account) {
        // This clock is monotonic: if the wall clock were set back, nothing would be refilled until it caught up.
        return buckets.get(
                account,
                name -> Bucket.builder()
                        .addLimit(bandwidth)
                        .withNanosecondPrecision()
                        .build());
    }
}
