package dev.userdirectory.export;

import java.time.Duration;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * Limits on exports of the whole directory.
 *
 * @param concurrency how many exports this instance runs at a time, each on a connection of its own outside the pool;
 *     further ones are rejected
 * @param deadline how long an export may take; for that long, its snapshot may keep PostgreSQL from removing old rows
 */
@ConfigurationProperties("directory.export")
record ExportProperties(
        @DefaultValue("2") int concurrency,
        @DefaultValue("5m") Duration deadline) {}
