package dev.userdirectory.database;

import java.sql.ResultSet;
import java.sql.Statement;
import java.time.Duration;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.TimeoutException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.dao.DataAccessException;
import org.springframework.jdbc.core.ConnectionCallback;
import org.springframework.jdbc.core.JdbcTemplate;

/**
 * A streaming replica, and whether it has replayed everything that the primary has committed. The primary reports its
 * position in the log, and the replica reports whether it has replayed that position; concurrent requests share these
 * two round trips. If the replica is behind or does not respond, it is not used for a second.
 *
 * <p>Positions in the log can be compared only within one timeline of one cluster. A replica that has not followed the
 * primary to its timeline, for example after a failover, may be ahead by position and still lack later commits. The
 * same is true of a replica whose primary was restored from a copy and stayed on its timeline; such a replica lacks the
 * primary's era.
 */
final class Replica {
    private static final Logger log = LoggerFactory.getLogger(Replica.class);
    private static final String KEY = "the only one";
    /**
     * The insert position. With {@code synchronous_commit = off}, a commit becomes visible as soon as it is in the log,
     * before the log is flushed, and only what is flushed is sent to replicas.
     */
    private static final String INSERTED = """
            select pg_current_wal_insert_lsn(), system_identifier,
                ('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::integer,
                feed_era()
            from pg_control_system()""";

    /** Flushes the log by adding a message that nobody reads; assigns no transaction ID. */
    private static final String FLUSH = "select pg_logical_emit_message(false, 'user-directory', '', true)";
    /** How long to wait before flushing the log. By then, any synchronous commit has flushed everything before it. */
    private static final Duration UNFLUSHED = Duration.ofMillis(5);

    private final JdbcTemplate primary;
    private final JdbcTemplate replica;
    private final Duration patience;
    private final CircuitBreaker breaker = new CircuitBreaker(log, "Queries do not read from the replica");
    private final RequestCollapser<String, Boolean> upToDate =
            new RequestCollapser<>(1, keys -> Map.of(KEY, awaitReplay()));

    Replica(JdbcTemplate primary, JdbcTemplate replica, Duration patience) {
        this.primary = primary;
        this.replica = replica;
        this.patience = patience;
    }

    JdbcTemplate jdbc() {
        return replica;
    }

    boolean isFailing() {
        return breaker.isFailing();
    }

    void succeeded() {
        breaker.succeeded();
    }

    /** Stops using the replica for a second. */
    void failed(DataAccessException failure) {
        breaker.open(failure);
    }

    /** Whether a query that starts now sees every commit that was acknowledged before this call. */
    boolean isUpToDate() {
        return !breaker.isOpen()
                && Boolean.TRUE.equals(upToDate.load(Set.of(KEY)).get(KEY));
    }

    private boolean awaitReplay() {
        if (breaker.isOpen()) {
            return false;
        }
        try {
            long start = System.nanoTime();
            String replayed = Objects.requireNonNull(primary.queryForObject(
                    INSERTED,
                    (row, number) -> replayed(row.getString(1), row.getLong(2), row.getInt(3), row.getLong(4))));
            boolean flushed = false;
            Duration waited = Duration.ZERO;
            while (waited.compareTo(patience) < 0) {
                if (isTrueAtReplica(replayed)) {
                    return true;
                }
                if (!flushed && waited.compareTo(UNFLUSHED) > 0) {
                    primary.execute(FLUSH);
                    flushed = true;
                }
                Thread.sleep(1);
                waited = Duration.ofNanos(System.nanoTime() - start);
            }
            breaker.open(new TimeoutException("The replica is behind"));
        } catch (DataAccessException e) {
            breaker.open(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        return false;
    }

    /**
     * Returns SQL that checks whether the replica has replayed that position. A promoted server has a different log.
     * The replica's timeline is that of the last replayed checkpoint, or the one that it receives, if its user may see
     * it ({@code pg_monitor}).
     */
    private static String replayed(String position, long system, int timeline, long era) {
        return """
                select case when pg_is_in_recovery() and pg_last_wal_replay_lsn() >= '%s' then
                    (select system_identifier = %d from pg_control_system())
                    and %d in (select timeline_id from pg_control_checkpoint()
                        union all select received_tli from pg_stat_wal_receiver)
                    and exists (select from feed_eras where id = %d)
                end""".formatted(position, system, timeline, era);
    }

    private boolean isTrueAtReplica(String sql) {
        ConnectionCallback<Boolean> ask = connection -> {
            int before = connection.getNetworkTimeout();
            // A frozen server does not even report an error.
            connection.setNetworkTimeout(Runnable::run, Math.toIntExact(patience.toMillis()));
            try (Statement statement = connection.createStatement();
                    ResultSet row = statement.executeQuery(sql)) {
                row.next();
                return row.getBoolean(1);
            } finally {
                if (!connection.isClosed()) {
                    connection.setNetworkTimeout(Runnable::run, before);
                }
            }
        };
        return Boolean.TRUE.equals(replica.execute(ask));
    }
}
