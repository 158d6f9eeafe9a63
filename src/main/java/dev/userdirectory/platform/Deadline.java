package dev.userdirectory.platform;

import io.micrometer.context.ThreadLocalAccessor;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.SQLTransientException;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.postgresql.PGConnection;
import reactor.core.Disposable;
import reactor.core.scheduler.Schedulers;

/**
 * What one request makes wait, a thread and PostgreSQL, so that it can be stopped: when the request's time is over, or
 * nobody waits for the answer any longer. Once it is over nothing new is begun.
 */
public class Deadline {
    private static final ThreadLocal<@Nullable Deadline> CURRENT = new ThreadLocal<>();
    /** Longer than PostgreSQL takes to cancel what it does; a server that takes longer is not there any more. */
    private static final Duration GRACE = Duration.ofMillis(300);

    private static final Duration AGAIN = Duration.ofMillis(100);

    private final Thread worker;
    private final @Nullable ConnectionShare share;
    private final Set<Connection> connections = ConcurrentHashMap.newKeySet();
    /** Held while a connection is cancelled: what has been given back works for somebody else. */
    private final Lock cancelling = new ReentrantLock();

    private volatile boolean over;
    private boolean opening;
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

    /** Runs work that no request waits for, and stops it likewise when its time is over. */
    public static <T> T within(Duration limit, Supplier<T> work) {
        Deadline deadline = new Deadline(Thread.currentThread());
        Disposable timeout = Schedulers.parallel().schedule(deadline::stop, limit.toMillis(), TimeUnit.MILLISECONDS);
        CURRENT.set(deadline);
        try {
            return work.get();
        } finally {
            CURRENT.remove();
            timeout.dispose();
            deadline.end();
        }
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

    /**
     * To be called before a connection is taken from the pool. Until {@link #opened} the worker is not interrupted: on a
     * virtual thread that closes the socket of the connection that the pool is just checking.
     *
     * @throws SQLException if it is too late to begin anything
     */
    synchronized void opening() throws SQLException {
        check();
        opening = true;
    }

    /** @param connection null if there was none */
    synchronized void opened(@Nullable Connection connection) {
        opening = false;
        if (connection != null) {
            connections.add(connection);
        }
    }

    /**
     * @return whether it may be used again, since nothing more is going to stop it. If the deadline is over PostgreSQL may
     *     still have to take notice of a cancellation.
     */
    boolean closed(Connection connection) {
        synchronized (this) {
            if (!over) {
                connections.remove(connection);
                return true;
            }
        }
        boolean alone = false;
        try {
            alone = cancelling.tryLock(GRACE.toMillis(), TimeUnit.MILLISECONDS);
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

    /** Returns at once; what is asked to stop and does not is cut off by closing its connection. */
    synchronized void stop() {
        if (over || ended) {
            return;
        }
        over = true;
        if (connections.isEmpty() && !opening) {
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
                cancel(connection);
            }
            sleep(AGAIN);
        }
    }

    private void cancel(Connection connection) {
        cancelling.lock();
        try {
            if (connections.contains(connection)) {
                // Not the statement, which would not come back before the server has taken this.
                connection.unwrap(PGConnection.class).cancelQuery();
            }
        } catch (SQLException e) {
            // closed meanwhile
        } finally {
            cancelling.unlock();
        }
    }

    private void abortAfterGrace() {
        sleep(GRACE);
        for (Connection connection : List.copyOf(connections)) {
            if (!connections.remove(connection)) {
                continue;
            }
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
