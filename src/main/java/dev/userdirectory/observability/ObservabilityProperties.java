package dev.userdirectory.observability;

import java.time.Duration;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * How operations are observed. Where traces are sent, and how many, is set by Spring Boot's own
 * {@code management.opentelemetry.tracing.export.otlp.endpoint} and {@code management.tracing.sampling.probability}.
 *
 * @param slowOperation operations that take at least this long are logged
 * @param operationNames how many names of operations metrics distinguish; all others are {@code other}
 */
@ConfigurationProperties("directory.observability")
record ObservabilityProperties(
        @DefaultValue("1s") Duration slowOperation,
        @DefaultValue("100") int operationNames) {}
