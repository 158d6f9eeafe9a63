package dev.userdirectory.mutation;

import java.time.Duration;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * Settings of idempotency keys.
 *
 * @param retention how long a key is known, so that a retry gets the outcome of the first request
 */
@ConfigurationProperties("directory.idempotency")
record IdempotencyProperties(@DefaultValue("1d") Duration retention) {}
