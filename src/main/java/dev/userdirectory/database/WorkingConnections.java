package dev.userdirectory.database;

import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReentrantLock;
import org.postgresql.PGConnection;

/** The connections that work for one request, and how they are stopped at its {@link Deadline}. */
final class WorkingConnections {
    private static final Duration AGAIN = Duration.ofMillis(100);

    private final Set<Connection> connections = ConcurrentHashMap.newKeySet();
    private final Set<Connection> committing = ConcurrentHashMap.newKeySet();
    /**
     * Held while a connection is being cancelled: one that has been returned to the pool may already work for another
     * request.
     */
    private final Lock cancelling = new ReentrantLock();

    boolean isEmpty() {
        return connections.isEmpty();
    }

    void add(Connection connection) {
        connections.add(connection);
    }

    void remove(Connection connection) {
        connections.remove(connection);
    }

    void beginCommit(Connection connection) {
        committing.add(connection);
    }

    void endCommit(Connection connection) {
        committing.remove(connection);
    }

    /**
     * Removes a connection that may have been cancelled.
     *
     * @param patience how long to wait for a cancellation that is being sent
     * @return whether the connection is still open and nothing will cancel it from now on
     */
    boolean removeCancelled(Connection connection, Duration patience) {
        boolean alone = false;
        try {
            alone = cancelling.tryLock(patience.toMillis(), TimeUnit.MILLISECONDS);
            return connections.remove(connection) && alone;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            connections.remove(connection);
            return false;
        } finally {
            if (alone) {
                cancelling.unlock();
            }
        }
    }

    /** Cancels repeatedly, since a statement that was checked just before the deadline may start just after it. */
    void cancelUntilDone() {
        while (!connections.isEmpty()) {
            connections.forEach(this::cancel);
            Pause.of(AGAIN);
        }
    }

    private void cancel(Connection connection) {
        cancelling.lock();
        try {
            if (connections.contains(connection) && !committing.contains(connection)) {
                // Not Statement.cancel(): the statement would not return before the server accepts the cancellation.
                connection.unwrap(PGConnection.class).cancelQuery();
            }
        } catch (SQLException e) {
            // already closed
        } finally {
            cancelling.unlock();
        }
    }

    /** Closes the service's end of the connections, even of those that are committing. */
    void abort() {
        for (Connection connection : List.copyOf(connections)) {
            if (!connections.remove(connection)) {
                continue;
            }
            try {
                connection.abort(Runnable::run);
            } catch (SQLException e) {
                // already closed
            }
        }
    }
}
