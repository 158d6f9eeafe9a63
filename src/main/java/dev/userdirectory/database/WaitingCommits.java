package dev.userdirectory.database;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import java.sql.SQLException;
import java.util.Objects;
import javax.sql.DataSource;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.stereotype.Component;

/**
 * Rejects writes while many commits wait for a synchronous standby. PostgreSQL keeps the backend of such a commit even
 * when the service has abandoned it, so further commits would use up all of its connections, and reads would fail as
 * well.
 *
 * <p>PostgreSQL counts the commits of all instances. An instance reads the count before its first write, and again
 * after one of its own commits has failed. From then on it reads the count before each write, until it is zero.
 */
@Component
class WaitingCommits {
    /** Excludes commits of the last second, which a standby may be about to confirm. */
    private static final String COUNT = """
            select count(*) from pg_stat_activity
            where wait_event = 'SyncRep' and datname = current_database() and usename = session_user
                and query_start < clock_timestamp() - interval '1 second'""";

    private final JdbcTemplate jdbc;
    private final DeadlineDataSource pool;
    private final int limit;
    private final Counter rejected;
    /** The number of failed commits when the count of waiting ones was last zero; -1 if it never was. */
    private volatile long settled = -1;

    WaitingCommits(JdbcTemplate jdbc, DataSource pool, DatabaseProperties properties, MeterRegistry meters)
            throws SQLException {
        this.jdbc = jdbc;
        this.pool = pool.unwrap(DeadlineDataSource.class);
        this.limit = properties.waitingCommits();
        this.rejected = Counter.builder("directory.writes.rejected")
                .description("Writes that were rejected because a synchronous standby is stalled")
                .register(meters);
    }

    /** @throws StandbyStalled if a write must not begin */
    void check() {
        long failed = pool.failedCommits();
        if (failed == settled) {
            return;
        }
        long waiting = Objects.requireNonNull(jdbc.queryForObject(COUNT, Long.class));
        if (waiting >= limit) {
            rejected.increment();
            throw StandbyStalled.beforeWriting();
        }
        if (waiting == 0) {
            settled = failed;
        }
    }
}
