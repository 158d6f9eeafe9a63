package dev.userdirectory.database;

import java.time.Duration;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * How PostgreSQL itself ends statements that the service no longer waits for, because the service died or its request
 * to cancel them was lost. With {@code grace} and {@code clientCheck} at 0, PostgreSQL does nothing.
 *
 * @param grace how long after the deadline PostgreSQL itself ends a statement or an idle transaction; the service
 *     cancels them at the deadline, which takes a moment
 * @param clientCheck how often PostgreSQL checks during a statement whether the service is still connected. Each check
 *     is a system call. 0 disables the checks, which PostgreSQL on Windows does not support
 * @param waitingCommits how many commits may wait for a synchronous standby before writes are rejected. Each keeps its
 *     connection to PostgreSQL until the standby is back, and reads must not run out of connections
 */
@ConfigurationProperties("directory.database")
public record DatabaseProperties(
        @DefaultValue("5s") Duration grace,
        @DefaultValue("1s") Duration clientCheck,
        @DefaultValue("10") int waitingCommits) {}
