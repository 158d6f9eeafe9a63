package dev.userdirectory.mutation;

import java.time.Duration;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.util.unit.DataSize;

/**
 * Settings of idempotency keys.
 *
 * @param retention how long a key is known, so that a retry gets the outcome of the first request
 * @param size how much this instance stores under the keys of a subject in the time of the retention; after that, new keys
 *     are rejected for a while. A thousand users take about 300 kB
 */
@ConfigurationProperties("directory.idempotency")
record IdempotencyProperties(
        @DefaultValue("1d") Duration retention,
        @DefaultValue("1GB") DataSize size) {}
