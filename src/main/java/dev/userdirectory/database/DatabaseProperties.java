package dev.userdirectory.database;

import java.time.Duration;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * How PostgreSQL itself ends statements that the service no longer waits for, because the service died or its request
 * to cancel them was lost. With both values at 0, PostgreSQL does nothing.
 *
 * @param grace how long after the deadline PostgreSQL ends a statement, or a transaction that is idle, by itself; the service
 *     cancels them at the deadline, which takes a moment
 * @param clientCheck how often PostgreSQL looks whether the service is still there while it executes a statement; a system
 *     call, so not more often than needed. 0 for a server on Windows, which cannot look
 */
@ConfigurationProperties("directory.database")
public record DatabaseProperties(
        @DefaultValue("5s") Duration grace,
        @DefaultValue("1s") Duration clientCheck) {}
