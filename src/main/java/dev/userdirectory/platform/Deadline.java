package dev.userdirectory.platform;

import io.micrometer.context.ThreadLocalAccessor;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.SQLTransientException;
import java.sql.Statement;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * What PostgreSQL does for one request, so that it can be stopped: when the request's time is over, or nobody waits for
 * the answer any longer. Once it is over nothing new is begun.
 */
class Deadline {
    private static final ThreadLocal<@Nullable Deadline> CURRENT = new ThreadLocal<>();
    /** Longer than PostgreSQL takes to cancel what it does; a server that takes longer is not there any more. */
    private static final Duration GRACE = Duration.ofSeconds(1);

    private static final Duration AGAIN = Duration.ofMillis(100);

    private final Set<Connection> connections = ConcurrentHashMap.newKeySet();
    private final Set<Statement> statements = ConcurrentHashMap.newKeySet();
    private volatile boolean over;

    /** Of the request that the current thread works for, or null. */
    static @Nullable Deadline current() {
        return CURRENT.get();
    }

    boolean isOver() {
        return over;
    }

    /** @throws SQLException if it is too late to begin anything */
    void check() throws SQLException {
        if (over) {
            throw new SQLTransientException("The request is over");
        }
    }

    void opened(Connection connection) {
        connections.add(connection);
    }

    void prepared(Statement statement) {
        statements.add(statement);
    }

    void closed(Connection connection, Iterable<Statement> itsStatements) {
        itsStatements.forEach(statements::remove);
        connections.remove(connection);
    }

    /** Returns at once; what is asked to stop by {@code cancel} and does not is cut off by closing its connection. */
    void stop() {
        if (over) {
            return;
        }
        over = true;
        if (connections.isEmpty()) {
            return;
        }
        // A frozen server lets this wait as well.
        Thread.startVirtualThread(this::cancelUntilDone);
        Thread.startVirtualThread(this::abortAfterGrace);
    }

    /** Again and again: what was checked a moment before the end may start a moment after it. */
    private void cancelUntilDone() {
        while (!connections.isEmpty()) {
            for (Statement statement : statements) {
                try {
                    // Of a statement that does not run, the driver cancels nothing; nor the next one on its connection.
                    statement.cancel();
                } catch (SQLException e) {
                    // closed meanwhile
                }
            }
            sleep(AGAIN);
        }
    }

    private void abortAfterGrace() {
        sleep(GRACE);
        for (Connection connection : connections) {
            try {
                connection.abort(Runnable::run);
            } catch (SQLException e) {
                // closed meanwhile
            }
        }
    }

    private static void sleep(Duration time) {
        try {
            Thread.sleep(time);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Takes it along wherever the work for a request is handed to another thread. */
    public static class Accessor implements ThreadLocalAccessor<Deadline> {
        @Override
        public Object key() {
            return Deadline.class;
        }

        @Override
        public @Nullable Deadline getValue() {
            return CURRENT.get();
        }

        @Override
        public void setValue(Deadline deadline) {
            CURRENT.set(deadline);
        }

        @Override
        public void setValue() {
            CURRENT.remove();
        }
    }
}
