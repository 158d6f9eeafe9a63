package dev.userdirectory.graphql.limit;

import io.github.bucket4j.BucketConfiguration;
import io.github.bucket4j.ConsumptionProbe;
import org.jspecify.annotations.Nullable;

/** Where instances keep the budgets of subjects together. */
public interface SharedBudgets {
    /** Null if the store is out of reach now. */
    @Nullable
    ConsumptionProbe spend(String account, long cost, BucketConfiguration budget);
}
