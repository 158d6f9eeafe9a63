package dev.userdirectory.database;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.SQLTransientException;
import java.time.Duration;
import java.util.concurrent.Semaphore;
import org.jspecify.annotations.Nullable;

/**
 * The thread and the connections that work for one request, so that they can be stopped when the request's time is over
 * or its client has disconnected. After that nothing new begins, not even a commit.
 *
 * <p>A commit that has begun is never cancelled. If it waits for a synchronous standby, PostgreSQL treats a
 * cancellation as an order to stop waiting, and reports a commit that a failover would lose. Such a commit is only
 * abandoned: its connection is closed here, PostgreSQL continues to wait, and the client is told that the outcome is
 * unknown.
 */
public class Deadline {
    static final ThreadLocal<@Nullable Deadline> CURRENT = new ThreadLocal<>();

    private static final String BACKGROUND = "background";

    /** Longer than PostgreSQL takes to cancel a statement; a server that takes longer is considered gone. */
    private static final Duration GRACE = Duration.ofMillis(300);

    private final Thread worker;
    private final Requester requester;
    private final WorkingConnections connections = new WorkingConnections();
    private volatile boolean over;
    private volatile @Nullable Opening opening;
    private boolean ended;

    private record Opening(DeadlineDataSource pool, long since) {}

    /**
     * @param worker the thread to interrupt if it waits for something other than PostgreSQL
     * @param account the caller's account, under which the request queues for connections
     * @param share the permits for the connections that the operation may use, or null if it may use them all
     */
    public Deadline(Thread worker, String account, @Nullable Semaphore share) {
        this.worker = worker;
        this.requester = new Requester(account, share);
    }

    /** The account of the request that the current thread works for. */
    public static String currentAccount() {
        Deadline current = CURRENT.get();
        return current == null ? BACKGROUND : current.requester.account();
    }

    /** The deadline of the request that the current thread works for, or null. */
    public static @Nullable Deadline current() {
        return CURRENT.get();
    }

    /**
     * Must be called before the current request waits for the result of another request. From then on, the other
     * request queues under the current one's account. Otherwise the current request would wait behind all requests of
     * the other one's subject.
     */
    public static void waitFor(@Nullable Deadline other) {
        Deadline own = CURRENT.get();
        if (own != null && other != null) {
            other.requester.moveToAccount(own.requester.account());
        }
    }

    Requester requester() {
        return requester;
    }

    public boolean isOver() {
        return over;
    }

    /** @throws SQLException if it is too late to begin anything */
    void check() throws SQLException {
        if (over) {
            throw new SQLTransientException("The request is over");
        }
    }

    /**
     * Called before a connection is taken from the pool. Until {@link #opened}, the worker is not interrupted: on a
     * virtual thread, an interrupt closes the socket of the connection that the pool is checking at that moment.
     *
     * @throws SQLException if it is too late to begin anything
     */
    synchronized void opening(DeadlineDataSource pool) throws SQLException {
        check();
        opening = new Opening(pool, System.nanoTime());
    }

    /**
     * Must be polled: tells the pool how long this request has been waiting for a connection, so that the pool can
     * evict silent connections.
     */
    public void reportWaitToPool() {
        Opening current = opening;
        if (current != null) {
            current.pool.evictIfSilent(System.nanoTime() - current.since);
        }
    }

    /** @param connection null if the pool gave none */
    synchronized void opened(@Nullable Connection connection) {
        opening = null;
        if (connection != null) {
            connections.add(connection);
        }
    }

    /**
     * @return whether the connection may be reused, because nothing can cancel it any longer. If the deadline is over,
     *     PostgreSQL may still have to process an earlier cancellation.
     */
    boolean closed(Connection connection) {
        synchronized (this) {
            if (!over) {
                connections.remove(connection);
                return true;
            }
        }
        return connections.removeCancelled(connection, GRACE);
    }

    /**
     * Called before a commit, which must not begin once cancellations may be on their way.
     *
     * @throws SQLException if it is too late, so that nothing was committed
     */
    synchronized void beginCommit(Connection connection) throws SQLException {
        check();
        connections.beginCommit(connection);
    }

    synchronized void endCommit(Connection connection) {
        connections.endCommit(connection);
    }

    /**
     * Stops the work and returns at once. Running statements are cancelled. If a statement does not end when it is
     * cancelled, or if a commit is running, the connection is closed.
     */
    public synchronized void stop() {
        if (over || ended) {
            return;
        }
        over = true;
        if (connections.isEmpty() && opening == null) {
            worker.interrupt();
        }
        // On separate threads, since a frozen server blocks these calls as well.
        Thread.startVirtualThread(connections::cancelUntilDone);
        Thread.startVirtualThread(this::abortAfterGrace);
    }

    /** Called by the worker when it is done with this request. */
    public synchronized void end() {
        ended = true;
        if (over) {
            // The interrupt may have arrived after the worker stopped waiting.
            Thread.interrupted();
        }
    }

    private void abortAfterGrace() {
        Pause.of(GRACE);
        connections.abort();
        synchronized (this) {
            if (!ended) {
                worker.interrupt();
            }
        }
    }
}
