package dev.userdirectory.graphql.limit;

import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * A budget for each subject, or for each network address of callers without a token. It is refilled steadily.
 *
 * @param cost how much the operations of a subject may cost in a period; a budget that was not used can be spent at
 *     once, and each operation costs at least 1. By default there is no such limit, since a gateway may be one subject
 *     for all its users
 * @param period how long an empty budget takes to become full again
 */
@ConfigurationProperties("directory.rate-limit")
record RateLimits(@Nullable Long cost, @DefaultValue("1m") Duration period) {}
