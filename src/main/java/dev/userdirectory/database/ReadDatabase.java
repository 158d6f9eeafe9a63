package dev.userdirectory.database;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import java.sql.ResultSet;
import java.sql.Statement;
import java.time.Duration;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.beans.factory.annotation.Qualifier;
import org.springframework.dao.DataAccessException;
import org.springframework.jdbc.core.ConnectionCallback;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.stereotype.Component;

/**
 * Chooses where queries read: at the replica, if there is one and it has replayed everything that was committed before.
 * The primary reports its position in the log, and the replica whether it has replayed that position; concurrent
 * requests share these two round trips. So a response is never older than an acknowledged write, whichever client and
 * instance wrote it. If the replica is behind or does not answer, queries read at the primary for a second.
 *
 * <p>Positions in the log can be compared only within one timeline of one cluster. A replica that has not followed the
 * primary to its timeline, for example after a failover, may be ahead by position and still lack later commits.
 *
 * <p>A replica may show a commit a moment before the primary does. Queries whose rows are compared with data from the
 * primary use {@link #fromPrimary}.
 */
@Component
public class ReadDatabase {
    private static final Logger log = LoggerFactory.getLogger(ReadDatabase.class);
    private static final Duration PAUSE = Duration.ofSeconds(1);
    private static final String KEY = "the only one";
    /**
     * The insert position. With {@code synchronous_commit = off}, a commit becomes visible as soon as it is in the log,
     * before the log is flushed, and only what is flushed is sent to replicas.
     */
    private static final String INSERTED = """
            select pg_current_wal_insert_lsn(), system_identifier,
                ('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::integer
            from pg_control_system()""";

    /** Flushes the log by adding a message that nobody reads; assigns no transaction ID. */
    private static final String FLUSH = "select pg_logical_emit_message(false, 'user-directory', '', true)";
    /** How long to wait before flushing the log: by then, synchronous commits have flushed everything before them. */
    private static final Duration UNFLUSHED = Duration.ofMillis(5);

    private final JdbcTemplate primary;
    private final @Nullable JdbcTemplate replica;
    private final Duration patience;
    private final RequestCollapser<String, Boolean> upToDate =
            new RequestCollapser<>(1, keys -> Map.of(KEY, awaitReplay()));
    private final Counter primaryReads;
    private final Counter replicaReads;
    private volatile long pausedUntil = System.nanoTime();

    ReadDatabase(
            JdbcTemplate primary,
            @Qualifier(ReplicaConfiguration.REPLICA) ObjectProvider<DataSource> replica,
            ReplicaProperties properties,
            MeterRegistry meters) {
        this.primary = primary;
        DataSource found = replica.getIfAvailable();
        this.replica = found == null ? null : new JdbcTemplate(found);
        this.patience = properties.patience();
        this.primaryReads = count(meters, "primary");
        this.replicaReads = count(meters, "replica");
    }

    private static Counter count(MeterRegistry meters, String server) {
        return Counter.builder("directory.reads")
                .description("Statements that read, by the server that was asked")
                .tag("server", server)
                .register(meters);
    }

    /** @param query may run twice, so it must not keep state between runs */
    public <T> T query(Function<JdbcTemplate, T> query) {
        if (replica == null || isPaused() || !isUpToDate()) {
            return fromPrimary(query);
        }
        try {
            T result = query.apply(replica);
            replicaReads.increment();
            return result;
        } catch (DataAccessException e) {
            // If the request was stopped or its query is wrong, this fails too, and the replica stays in use.
            T result = fromPrimary(query);
            pause(e);
            return result;
        }
    }

    public <T> T fromPrimary(Function<JdbcTemplate, T> query) {
        primaryReads.increment();
        return query.apply(primary);
    }

    private boolean isUpToDate() {
        return Boolean.TRUE.equals(upToDate.load(Set.of(KEY)).get(KEY));
    }

    private boolean awaitReplay() {
        if (isPaused()) {
            return false;
        }
        try {
            long start = System.nanoTime();
            String replayed = Objects.requireNonNull(primary.queryForObject(
                    INSERTED, (row, number) -> replayed(row.getString(1), row.getLong(2), row.getInt(3))));
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
            pause(new TimeoutException("It is behind"));
        } catch (DataAccessException e) {
            pause(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        return false;
    }

    /**
     * Asks the replica whether it has replayed that position. A promoted server has a log of its own. The replica's
     * timeline is that of the last replayed checkpoint, or the one that it receives, if its user may see it
     * ({@code pg_monitor}).
     */
    private static String replayed(String position, long system, int timeline) {
        return """
                select case when pg_is_in_recovery() and pg_last_wal_replay_lsn() >= '%s' then
                    (select system_identifier = %d from pg_control_system())
                    and %d in (select timeline_id from pg_control_checkpoint()
                        union all select received_tli from pg_stat_wal_receiver)
                end""".formatted(position, system, timeline);
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
        return Boolean.TRUE.equals(Objects.requireNonNull(replica).execute(ask));
    }

    private boolean isPaused() {
        return pausedUntil - System.nanoTime() > 0;
    }

    private void pause(Exception e) {
        if (Deadline.isStopped()) {
            return;
        }
        if (!isPaused()) {
            log.warn("The replica is not read for the next {} s: {}", PAUSE.toSeconds(), e.toString());
        }
        pausedUntil = System.nanoTime() + PAUSE.toNanos();
    }
}
