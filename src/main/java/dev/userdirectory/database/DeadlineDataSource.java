package dev.userdirectory.database;

import com.zaxxer.hikari.HikariDataSource;
import com.zaxxer.hikari.HikariPoolMXBean;
import dev.userdirectory.database.FairShares.Share;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.SQLTransientConnectionException;
import java.time.Duration;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.datasource.DelegatingDataSource;

/**
 * Tells the {@link Deadline} of the current thread which connections work for it, and hands out no connection after the
 * deadline.
 *
 * <p>Requests queue for connections here, where {@link FairShares subjects take turns}. In the pool's own queue they
 * would compete again for every connection that is returned.
 */
public class DeadlineDataSource extends DelegatingDataSource {
    private static final Duration SLACK = Duration.ofMillis(100);

    private final HikariDataSource pool;
    private final ConnectionQueue connections;
    private final PoolThreads threads;
    private final long patience;
    private final AtomicLong renewed = new AtomicLong(System.nanoTime());
    /** When the pool last gave a connection to a request, by {@link System#nanoTime}. */
    private volatile long handedOut = System.nanoTime();

    private final AtomicLong failedCommits = new AtomicLong();

    public DeadlineDataSource(DataSource dataSource, PoolThreads threads) throws SQLException {
        super(dataSource);
        pool = dataSource.unwrap(HikariDataSource.class);
        connections = new ConnectionQueue(pool.getMaximumPoolSize());
        this.threads = threads;
        patience = TimeUnit.MILLISECONDS.toNanos(pool.getValidationTimeout()) + SLACK.toNanos();
    }

    /**
     * Called when a request has waited this long for a connection. Detecting one silent connection takes less time than
     * the patience, so after a longer wait the idle connections are most likely all silent. They are evicted, since
     * detecting them one by one would take until long after the database is back. A pool that still hands out
     * connections is slow rather than silent, and eviction would make it slower.
     */
    void evictIfSilent(long nanos) {
        long last = renewed.get();
        long now = System.nanoTime();
        if (nanos > patience && now - last > patience && renewed.compareAndSet(last, now)) {
            HikariPoolMXBean started = pool.getHikariPoolMXBean();
            if (started != null && started.getIdleConnections() > 0 && now - handedOut > patience) {
                started.softEvictConnections();
            }
            threads.wake();
        }
    }

    /** The number of requests in the queue. */
    public int waiting() {
        return connections.waiting();
    }

    /** The number of commits that have failed. PostgreSQL may still carry out some of them. */
    long failedCommits() {
        return failedCommits.get();
    }

    public String name() {
        return pool.getPoolName();
    }

    @Override
    public Connection getConnection() throws SQLException {
        Deadline deadline = Deadline.current();
        if (deadline == null) {
            return super.getConnection();
        }
        deadline.check();
        Semaphore ofSubscriptions = deadline.requester().share();
        if (ofSubscriptions != null) {
            acquire(ofSubscriptions);
        }
        Share share = null;
        Connection connection = null;
        try {
            share = acquire(deadline.requester());
            deadline.opening(this);
            connection = super.getConnection();
            handedOut = System.nanoTime();
        } finally {
            deadline.opened(connection);
            if (connection == null) {
                release(share, ofSubscriptions);
            }
        }
        Share held = share;
        return new WatchedConnection(
                        connection, deadline, failedCommits::incrementAndGet, () -> release(held, ofSubscriptions))
                .proxy();
    }

    private void release(@Nullable Share share, @Nullable Semaphore ofSubscriptions) {
        if (share != null) {
            connections.release(share);
        }
        if (ofSubscriptions != null) {
            ofSubscriptions.release();
        }
    }

    private void acquire(Semaphore share) throws SQLException {
        long millis = pool.getConnectionTimeout();
        try {
            if (!share.tryAcquire(millis, TimeUnit.MILLISECONDS)) {
                throw new SQLTransientConnectionException(
                        "No connection of this caller's share was free for " + millis + " ms");
            }
        } catch (InterruptedException e) {
            throw interrupted(e);
        }
    }

    private Share acquire(Requester requester) throws SQLException {
        long millis = pool.getConnectionTimeout();
        try {
            Share share = connections.acquire(requester, Duration.ofMillis(millis));
            if (share == null) {
                throw new SQLTransientConnectionException("No connection was free for " + millis + " ms");
            }
            return share;
        } catch (InterruptedException e) {
            throw interrupted(e);
        }
    }

    private static SQLException interrupted(InterruptedException e) {
        Thread.currentThread().interrupt();
        return new SQLTransientConnectionException("Interrupted", e);
    }
}
