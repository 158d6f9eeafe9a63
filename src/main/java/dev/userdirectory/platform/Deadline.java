package dev.userdirectory.platform;

import io.micrometer.context.ThreadLocalAccessor;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.SQLTransientException;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.postgresql.PGConnection;

/**
 * What one request makes wait, a thread and PostgreSQL, so that it can be stopped: when the request's time is over, or
 * nobody waits for the answer any longer. Once it is over nothing new is begun.
 */
class Deadline {
    private static final ThreadLocal<@Nullable Deadline> CURRENT = new ThreadLocal<>();
    /** Longer than PostgreSQL takes to cancel what it does; a server that takes longer is not there any more. */
    private static final Duration GRACE = Duration.ofMillis(300);

    private static final Duration AGAIN = Duration.ofMillis(100);

    private final Thread worker;
    private final @Nullable ConnectionShare share;
    private final Set<Connection> connections = ConcurrentHashMap.newKeySet();
    private volatile boolean over;
    private boolean ended;

    Deadline(Thread worker) {
        this(worker, null);
    }

    /**
     * @param worker interrupted if it waits for something else than PostgreSQL
     * @param share of the connections that the operation may use, or null if it may use them all
     */
    Deadline(Thread worker, @Nullable ConnectionShare share) {
        this.worker = worker;
        this.share = share;
    }

    /** Of the request that the current thread works for, or null. */
    static @Nullable Deadline current() {
        return CURRENT.get();
    }

    @Nullable
    ConnectionShare share() {
        return share;
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

    /** @return whether it must not be used again: it may be about to be cancelled */
    synchronized boolean closed(Connection connection) {
        connections.remove(connection);
        return over;
    }

    /** Returns at once; what is asked to stop and does not is cut off by closing its connection. */
    synchronized void stop() {
        if (over || ended) {
            return;
        }
        over = true;
        if (connections.isEmpty()) {
            worker.interrupt();
        }
        // A frozen server lets this wait as well.
        Thread.startVirtualThread(this::cancelUntilDone);
        Thread.startVirtualThread(this::abortAfterGrace);
    }

    /** To be called by the worker: from now on it works for somebody else. */
    synchronized void end() {
        ended = true;
        if (over) {
            // It may have been interrupted when it no longer waited.
            Thread.interrupted();
        }
    }

    /** Again and again: what was checked a moment before the end may start a moment after it. */
    private void cancelUntilDone() {
        while (!connections.isEmpty()) {
            for (Connection connection : connections) {
                try {
                    // Not the statement, which would not come back before the server has taken this.
                    connection.unwrap(PGConnection.class).cancelQuery();
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
        interrupt();
    }

    private synchronized void interrupt() {
        if (!ended) {
            worker.interrupt();
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
