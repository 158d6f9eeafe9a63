package dev.userdirectory.platform;

import com.zaxxer.hikari.HikariDataSource;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.SQLTransientConnectionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.datasource.DelegatingDataSource;

/**
 * Tells the {@link Deadline} of the current thread which connections work for it, and begins nothing after it.
 *
 * <p>Requests queue for the connections here, first come, first served. In the pool's own queue they would compete for
 * each connection that is given back, over and over, while who gives it back tries to hand it over.
 */
class DeadlineDataSource extends DelegatingDataSource {
    private final HikariDataSource pool;
    private final Semaphore connections;

    DeadlineDataSource(DataSource dataSource) throws SQLException {
        super(dataSource);
        pool = dataSource.unwrap(HikariDataSource.class);
        connections = new Semaphore(pool.getMaximumPoolSize(), true);
    }

    /** How many requests are in the queue. */
    int waiting() {
        return connections.getQueueLength();
    }

    /** The name of the pool. */
    String name() {
        return pool.getPoolName();
    }

    @Override
    public Connection getConnection() throws SQLException {
        Deadline deadline = Deadline.current();
        if (deadline == null) {
            return super.getConnection();
        }
        deadline.check();
        ConnectionShare share = deadline.share();
        if (share != null) {
            share.acquire(pool.getConnectionTimeout());
        }
        Connection connection = null;
        boolean admitted = false;
        try {
            await();
            admitted = true;
            deadline.opening();
            connection = super.getConnection();
        } finally {
            deadline.opened(connection);
            if (connection == null) {
                release(admitted, share);
            }
        }
        return (Connection) Proxy.newProxyInstance(
                DeadlineDataSource.class.getClassLoader(),
                new Class<?>[] {Connection.class},
                new Watched(connection, deadline));
    }

    private void release(boolean admitted, @Nullable ConnectionShare share) {
        if (admitted) {
            connections.release();
        }
        if (share != null) {
            share.release();
        }
    }

    private void await() throws SQLException {
        long millis = pool.getConnectionTimeout();
        try {
            if (!connections.tryAcquire(millis, TimeUnit.MILLISECONDS)) {
                throw new SQLTransientConnectionException("No connection was free for " + millis + " ms");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new SQLTransientConnectionException("Interrupted", e);
        }
    }

    private final class Watched implements InvocationHandler {
        private final Connection connection;
        private final Deadline deadline;
        private boolean closed;

        Watched(Connection connection, Deadline deadline) {
            this.connection = connection;
            this.deadline = deadline;
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
                default -> {}
            }
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
                release(true, deadline.share());
            }
        }
    }

    /** PostgreSQL takes notice of a late cancellation, if there is one, before it answers this. */
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
            // By which the pool sees that it is of no use any more.
        }
    }
}
