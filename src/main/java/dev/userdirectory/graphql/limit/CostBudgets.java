package dev.userdirectory.graphql.limit;

import graphql.GraphQLError;
import io.github.bucket4j.BucketConfiguration;
import io.github.bucket4j.ConsumptionProbe;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.stereotype.Component;

/**
 * Keeps the remaining budget of each account for operations, as a token bucket. Instances with a shared store share the
 * buckets. While the store is unavailable, each instance uses its own.
 */
@Component
public class CostBudgets {
    private final @Nullable Long limit;
    private final long most;
    private final RateLimits properties;
    private final BucketConfiguration budget;
    private final @Nullable SharedBudgets shared;
    private final Buckets buckets;

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
        buckets = new Buckets(limit == null ? 1 : limit, properties.period());
        budget = BucketConfiguration.builder().addLimit(buckets.bandwidth()).build();
    }

    /**
     * Spends the maximum cost of an operation, for a request whose cost is not estimated.
     *
     * @return the error if the account has less than that left; otherwise null
     */
    public @Nullable GraphQLError spendMaximum(String account) {
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
        return found != null ? found : buckets.of(account).tryConsumeAndReturnRemaining(spent);
    }

    /** Returns the budget as it is reported to clients. */
    Map<String, ?> describe(ConsumptionProbe spent) {
        return Map.of(
                "limit", buckets.bandwidth().getCapacity(),
                "remaining", spent.getRemainingTokens(),
                "periodSeconds", properties.period().toSeconds());
    }
}
