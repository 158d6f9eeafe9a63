package dev.userdirectory.database;

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.SQLException;
import org.jspecify.annotations.Nullable;

/**
 * A pooled connection that works for a request. It begins no statement and no commit after the {@link Deadline}, and
 * returns to the pool only if no late cancellation can hit its next user.
 */
final class WatchedConnection implements InvocationHandler {
    private final Connection connection;
    private final Deadline deadline;
    private final Runnable commitFailed;
    private final Runnable release;
    private boolean closed;

    /**
     * @param commitFailed called for each commit that fails, or whose outcome is unknown
     * @param release called once, when the connection is closed
     */
    WatchedConnection(Connection connection, Deadline deadline, Runnable commitFailed, Runnable release) {
        this.connection = connection;
        this.deadline = deadline;
        this.commitFailed = commitFailed;
        this.release = release;
    }

    Connection proxy() {
        return (Connection) Proxy.newProxyInstance(
                WatchedConnection.class.getClassLoader(), new Class<?>[] {Connection.class}, this);
    }

    @Override
    public @Nullable Object invoke(Object proxy, Method method, @Nullable Object @Nullable [] args) throws Throwable {
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
                    // Switching auto-commit on commits an open transaction.
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
        } catch (SQLException e) {
            commitFailed.run();
            throw e;
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
            if (!reusable || (deadline.isOver() && !survivesCancellation())) {
                discard();
            }
            connection.close();
        } finally {
            release.run();
        }
    }

    /** A late cancellation, if there is one, reaches PostgreSQL before it responds to this check. */
    private boolean survivesCancellation() {
        try {
            if (!connection.getAutoCommit()) {
                connection.rollback();
            }
            return connection.isValid(1);
        } catch (SQLException e) {
            return false;
        }
    }

    private void discard() throws SQLException {
        connection.abort(Runnable::run);
        try {
            connection.rollback();
        } catch (SQLException e) {
            // This failure tells the pool that the connection is no longer usable.
        }
    }
}
