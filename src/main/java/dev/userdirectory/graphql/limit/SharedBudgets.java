package dev.userdirectory.graphql.limit;

import io.github.bucket4j.BucketConfiguration;
import io.github.bucket4j.ConsumptionProbe;
import org.jspecify.annotations.Nullable;

/** A store through which instances share the budgets of accounts. */
public interface SharedBudgets {
    /** Spends from the budget of an account; returns null if the store is unavailable. */
    @Nullable
    ConsumptionProbe spend(String account, long cost, BucketConfiguration budget);
}
