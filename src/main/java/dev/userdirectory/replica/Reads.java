package dev.userdirectory.replica;

import dev.userdirectory.platform.Deadline;
import dev.userdirectory.platform.RequestCollapser;
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
 * Where queries read: from the replica, if there is one, as soon as it has all that was committed before. The primary
 * tells how far its log is, and the replica whether it has replayed that, for all who ask at the time. So what was
 * written is in every later answer, on every instance, as without a replica. One that is behind, or does not answer, is
 * left alone for a second, in which the primary is read.
 *
 * <p>A replica may show a commit a moment before the primary does. What compares the two reads {@link #fromPrimary}.
 */
@Component
public class Reads {
    private static final Logger log = LoggerFactory.getLogger(Reads.class);
    private static final Duration PAUSE = Duration.ofSeconds(1);
    private static final String KEY = "the only one";
    /** What is acknowledged has been flushed; without synchronous_commit it has only been written. */
    private static final String COMMITTED = "select case when current_setting('synchronous_commit') = 'off'"
            + " then pg_current_wal_insert_lsn() else pg_current_wal_flush_lsn() end";

    private final JdbcTemplate primary;
    private final @Nullable JdbcTemplate replica;
    private final Duration patience;
    private final RequestCollapser<String, Boolean> upToDate =
            new RequestCollapser<>(1, keys -> Map.of(KEY, awaitReplay()));
    private final Counter primaryReads;
    private final Counter replicaReads;
    private volatile long pausedUntil = System.nanoTime();

    Reads(
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

    /** @param query may be run twice, so it must not keep anything from one run to the next */
    public <T> T query(Function<JdbcTemplate, T> query) {
        if (replica == null || isPaused() || !isUpToDate()) {
            return fromPrimary(query);
        }
        try {
            T result = query.apply(replica);
            replicaReads.increment();
            return result;
        } catch (DataAccessException e) {
            // Where it is the request that is over, or wrong, the primary does not help either.
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
            long end = System.nanoTime() + patience.toNanos();
            String committed = Objects.requireNonNull(primary.queryForObject(COMMITTED, String.class));
            do {
                if (hasReplayed(committed)) {
                    return true;
                }
                Thread.sleep(1);
            } while (System.nanoTime() - end < 0);
            pause(new TimeoutException("It is behind"));
        } catch (DataAccessException e) {
            pause(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        return false;
    }

    private boolean hasReplayed(String committed) {
        ConnectionCallback<Boolean> ask = connection -> {
            int before = connection.getNetworkTimeout();
            // One that is frozen says nothing at all.
            connection.setNetworkTimeout(Runnable::run, Math.toIntExact(patience.toMillis()));
            // One that was promoted has a log of its own.
            try (Statement statement = connection.createStatement();
                    ResultSet row = statement.executeQuery(
                            "select pg_is_in_recovery() and pg_last_wal_replay_lsn() >= '" + committed + "'")) {
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
        if (!isPaused()) {
            log.warn("The replica is not read for the next {} s: {}", PAUSE.toSeconds(), e.toString());
        }
        pausedUntil = System.nanoTime() + PAUSE.toNanos();
    }
}
        if (Deadline.isStopped()) {
            return;
        }
