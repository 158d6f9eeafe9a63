package dev.userdirectory.graphql.limit;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import graphql.GraphQLError;
import io.github.bucket4j.Bucket;
import io.github.bucket4j.BucketConfiguration;
import io.github.bucket4j.ConsumptionProbe;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.stereotype.Component;

/**
 * The remaining budget of each account for operations, as a token bucket. Instances with a shared store share the
 * buckets. While the store is unavailable, each instance uses its own.
 */
@Component
public class CostBudgets {
    /** Buckets may be evicted: a caller with enough addresses for that is not held back by buckets anyway. */
    private static final int MEMORY = 16_000_000;

    private static final int BUCKET = 300;

    private final @Nullable Long limit;
    private final long most;
    private final RateLimits properties;
    private final BucketConfiguration budget;
    private final @Nullable SharedBudgets shared;
    private final Cache<String, Bucket> buckets;

    CostBudgets(RateLimits properties, Limits limits, ObjectProvider<SharedBudgets> shared) {
        this.properties = properties;
        this.shared = shared.getIfAvailable();
        limit = properties.cost();
        most = limits.cost();
        if (limit != null && limit < limits.cost()) {
            throw new IllegalArgumentException(
                    "directory.rate-limit.cost (%d) must be at least directory.limits.cost (%d): some operations could never run"
                            .formatted(limit, limits.cost()));
        }
        long capacity = limit == null ? 1 : limit;
        budget = BucketConfiguration.builder()
                .addLimit(bandwidth -> bandwidth.capacity(capacity).refillGreedy(capacity, properties.period()))
                .build();
        buckets = Caffeine.newBuilder()
                .maximumWeight(MEMORY)
                .<String, Bucket>weigher((account, bucket) -> Weight.sum(Weight.ENTRY + BUCKET + Weight.of(account)))
                // By then the bucket is full again, like a new one.
                .expireAfterAccess(properties.period())
                .build();
    }

    /**
     * Takes the maximum cost of an operation, for a request whose cost is not estimated.
     *
     * @return the error if the account has less left
     */
    public @Nullable GraphQLError spendMost(String account) {
        ConsumptionProbe spent = spend(account, most);
        return spent == null || spent.isConsumed() ? null : RateLimited.error(spent, most);
    }

    /** @return null if there is no rate limit */
    @Nullable
    ConsumptionProbe spend(String account, long cost) {
        if (limit == null) {
            return null;
        }
        long spent = Math.max(1, cost);
        ConsumptionProbe found = shared == null ? null : shared.spend(account, spent, budget);
        return found != null ? found : own(account).tryConsumeAndReturnRemaining(spent);
    }

    private Bucket own(String account) {
        // This clock is monotonic: if the wall clock were set back, nothing would be refilled until it caught up.
        return buckets.get(
                account,
                name -> Bucket.builder()
                        .addLimit(budget.getBandwidths()[0])
                        .withNanosecondPrecision()
                        .build());
    }

    /** The budget as reported to clients. */
    Map<String, ?> describe(ConsumptionProbe spent) {
        return Map.of(
                "limit", budget.getBandwidths()[0].getCapacity(),
                "remaining", spent.getRemainingTokens(),
                "periodSeconds", properties.period().toSeconds());
    }
}
