package dev.userdirectory.database;

import com.zaxxer.hikari.HikariDataSource;
import com.zaxxer.hikari.HikariPoolMXBean;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
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
 * Tells the {@link Deadline} of the current thread which connections work for it, and begins nothing once it is over.
 *
 * <p>Requests queue for connections here, where {@link ConnectionQueue subjects take turns}. In the pool's own queue
 * they would compete again and again for each connection that is given back.
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

    /** @param threads the pool's threads */
    public DeadlineDataSource(DataSource dataSource, PoolThreads threads) throws SQLException {
        super(dataSource);
        pool = dataSource.unwrap(HikariDataSource.class);
        connections = new ConnectionQueue(pool.getMaximumPoolSize());
        this.threads = threads;
        patience = TimeUnit.MILLISECONDS.toNanos(pool.getValidationTimeout()) + SLACK.toNanos();
    }

    /**
     * Called when a request has waited that long for a connection. If one silent connection would have been detected in
     * less time, the idle ones are most likely silent, too. They are evicted, since detecting them one by one would
     * last until long after the database is back. A pool that still hands out others is slow, not silent, and eviction
     * would make it slower.
     */
    void waitedFor(long nanos) {
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

    /** How many requests are in the queue. */
    public int waiting() {
        return connections.waiting();
    }

    /** The name of the pool. */
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
        Semaphore ofSubscriptions = deadline.share();
        if (ofSubscriptions != null) {
            acquire(ofSubscriptions);
        }
        ConnectionQueue.Share share = null;
        Connection connection = null;
        try {
            share = await(deadline);
            deadline.opening(this);
            connection = super.getConnection();
            handedOut = System.nanoTime();
        } finally {
            deadline.opened(connection);
            if (connection == null) {
                release(share, ofSubscriptions);
            }
        }
        return (Connection) Proxy.newProxyInstance(
                DeadlineDataSource.class.getClassLoader(),
                new Class<?>[] {Connection.class},
                new Watched(connection, deadline, share));
    }

    private void release(ConnectionQueue.@Nullable Share share, @Nullable Semaphore ofSubscriptions) {
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
            Thread.currentThread().interrupt();
            throw new SQLTransientConnectionException("Interrupted", e);
        }
    }

    private ConnectionQueue.Share await(Deadline deadline) throws SQLException {
        long millis = pool.getConnectionTimeout();
        try {
            ConnectionQueue.Share share = connections.acquire(deadline, Duration.ofMillis(millis));
            if (share == null) {
                throw new SQLTransientConnectionException("No connection was free for " + millis + " ms");
            }
            return share;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new SQLTransientConnectionException("Interrupted", e);
        }
    }

    private final class Watched implements InvocationHandler {
        private final Connection connection;
        private final Deadline deadline;
        private final ConnectionQueue.Share share;
        private boolean closed;

        Watched(Connection connection, Deadline deadline, ConnectionQueue.Share share) {
            this.connection = connection;
            this.deadline = deadline;
            this.share = share;
        }

        @Override
        public @Nullable Object invoke(Object proxy, Method method, @Nullable Object @Nullable [] args)
                throws Throwable {
            switch (method.getName()) {
                case "createStatement", "prepareStatement", "prepareCall" -> deadline.check();
                case "close" -> {
                    close();
                    return null;
                }
                case "commit" -> {
                    return commit(method, args);
                }
                case "setAutoCommit" -> {
                    if (args != null && Boolean.TRUE.equals(args[0])) {
                        // In this case JDBC commits an open transaction.
                        return commit(method, args);
                    }
                }
                default -> {}
            }
            return invoke(method, args);
        }

        private @Nullable Object commit(Method method, @Nullable Object @Nullable [] args) throws Throwable {
            deadline.beginCommit(connection);
            try {
                return invoke(method, args);
            } finally {
                deadline.endCommit(connection);
            }
        }

        private @Nullable Object invoke(Method method, @Nullable Object @Nullable [] args) throws Throwable {
            try {
                return method.invoke(connection, args);
            } catch (InvocationTargetException e) {
                throw e.getTargetException();
            }
        }

        private void close() throws SQLException {
            if (closed) {
                return;
            }
            closed = true;
            try {
                boolean reusable = deadline.closed(connection);
                if (!reusable || (deadline.isOver() && !survivesCancellation(connection))) {
                    discard(connection);
                }
                connection.close();
            } finally {
                release(share, deadline.share());
            }
        }
    }

    /** A late cancellation, if there is one, reaches PostgreSQL before it answers this check. */
    private static boolean survivesCancellation(Connection connection) {
        try {
            if (!connection.getAutoCommit()) {
                connection.rollback();
            }
            return connection.isValid(1);
        } catch (SQLException e) {
            return false;
        }
    }

    private static void discard(Connection connection) throws SQLException {
        connection.abort(Runnable::run);
        try {
            connection.rollback();
        } catch (SQLException e) {
            // This failure tells the pool that the connection is no longer usable.
        }
    }
}
