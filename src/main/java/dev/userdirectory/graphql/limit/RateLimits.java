package dev.userdirectory.graphql.limit;

import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * A budget for each subject, or for each network address of callers without a token. It is refilled steadily.
 *
 * @param cost how much the operations of a subject may cost together in a period, and at once after a quiet one; each costs at
 *     least 1. There is no such limit if it is not set, since a gateway may be one subject for all its users
 * @param period in which an empty budget is full again
 */
@ConfigurationProperties("directory.rate-limit")
record RateLimits(@Nullable Long cost, @DefaultValue("1m") Duration period) {}
