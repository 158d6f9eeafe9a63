package dev.userdirectory.mutation;

import java.time.Duration;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.util.unit.DataSize;

/**
 * Settings of idempotency keys.
 *
 * @param retention how long a key is known, so that a retry gets the outcome of the first request; at least a minute,
 *     and it should be longer than {@code directory.limits.deadline}
 * @param size how many bytes of outcomes this instance stores for one subject within the retention; beyond that, it
 *     rejects new keys until there is room again. The outcome for a thousand users takes about 300 kB
 */
@ConfigurationProperties("directory.idempotency")
record IdempotencyProperties(
        @DefaultValue("1d") Duration retention,
        @DefaultValue("1GB") DataSize size) {
    IdempotencyProperties {
        if (retention.compareTo(Duration.ofMinutes(1)) < 0) {
            throw new IllegalArgumentException(
                    "directory.idempotency.retention must be at least a minute, not " + retention);
        }
    }
}
