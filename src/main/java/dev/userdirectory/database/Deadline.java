package dev.userdirectory.database;

import io.micrometer.context.ThreadLocalAccessor;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.SQLTransientException;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.postgresql.PGConnection;
import reactor.core.Disposable;
import reactor.core.scheduler.Schedulers;

/**
 * The thread and the connections that work for one request, so that they can be stopped when the request's time is over
 * or its client has disconnected. After that nothing new begins, not even a commit.
 *
 * <p>A commit that has begun is never cancelled. If it waits for a synchronous standby, PostgreSQL takes a cancellation
 * as the order to stop waiting, and reports a commit that a failover would lose. Such a commit is only abandoned: its
 * connection is closed here, PostgreSQL goes on waiting, and the client is told that the outcome is unknown.
 */
public class Deadline {
    private static final ThreadLocal<@Nullable Deadline> CURRENT = new ThreadLocal<>();
    /** Longer than PostgreSQL takes to cancel a statement; a server that takes longer is considered gone. */
    private static final Duration GRACE = Duration.ofMillis(300);

    private static final Duration AGAIN = Duration.ofMillis(100);

    /** The subject of work that no request waits for. */
    private static final String BACKGROUND = "background";

    private final Thread worker;
    private final String account;
    private final @Nullable Semaphore share;
    private volatile String subject;
    private volatile @Nullable String actingAs;
    private volatile ConnectionQueue.@Nullable Waiter waiter;
    private final AtomicBoolean lent = new AtomicBoolean();
    private final Set<Connection> connections = ConcurrentHashMap.newKeySet();
    /** The connections that are committing. */
    private final Set<Connection> committing = ConcurrentHashMap.newKeySet();
    /** Held while a connection is cancelled: once it is given back, it works for another request. */
    private final Lock cancelling = new ReentrantLock();

    private volatile boolean over;
    private volatile @Nullable Opening opening;
    private boolean ended;

    private record Opening(DeadlineDataSource pool, long since) {}

    /**
     * @param worker the thread to interrupt if it waits for something other than PostgreSQL
     * @param account the caller's account, under which the request queues for connections
     */
    public Deadline(Thread worker, String account) {
        this(worker, account, null);
    }

    /** @param share the permits for the connections that the operation may use, or null if it may use them all */
    public Deadline(Thread worker, String account, @Nullable Semaphore share) {
        this.worker = worker;
        this.account = account;
        this.subject = account;
        this.share = share;
    }

    /** Runs work that no request waits for, and stops it in the same way when its time is over. */
    public static <T> T within(Duration limit, Supplier<T> work) {
        Deadline deadline = new Deadline(Thread.currentThread(), BACKGROUND);
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

    /** The caller's account, whatever the subject under which the request queues. */
    String account() {
        return account;
    }

    /** The subject under which the request queues for connections. */
    String subject() {
        String other = actingAs;
        return other == null ? subject : other;
    }

    /** Runs work under another subject, since it is not done for this request alone. */
    <T> T runAs(String other, Supplier<T> work) {
        String before = actingAs;
        actingAs = other;
        try {
            return work.get();
        } finally {
            actingAs = before;
        }
    }

    void waitsAs(ConnectionQueue.@Nullable Waiter queued) {
        waiter = queued;
    }

    /**
     * The current request waits for the result of another one, which from now on queues under the current one's
     * account. Otherwise the current request would wait behind everything that the other one's subject has asked for.
     */
    public static void waitFor(@Nullable Deadline other) {
        Deadline own = CURRENT.get();
        if (own != null && other != null) {
            other.lend(own.account);
        }
    }

    /** Works only once, so that a request is not handed back to the queue that it came from. */
    void lend(String to) {
        if (to.equals(subject) || !lent.compareAndSet(false, true)) {
            return;
        }
        subject = to;
        ConnectionQueue.Waiter queued = waiter;
        if (queued != null && actingAs == null) {
            queued.moveTo(to);
        }
    }

    /** The deadline of the request that the current thread works for, or null. */
    public static @Nullable Deadline current() {
        return CURRENT.get();
    }

    /** Whether the current thread was told to stop. If so, its failures do not mean that others would fail, too. */
    public static boolean isStopped() {
        Deadline current = CURRENT.get();
        return Thread.currentThread().isInterrupted() || (current != null && current.over);
    }

    @Nullable
    Semaphore share() {
        return share;
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

    /** Must be polled: tells the pool how long this request has been waiting for a connection. */
    public void lookForSilence() {
        Opening current = opening;
        if (current != null) {
            current.pool.waitedFor(System.nanoTime() - current.since);
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
     * @return whether the connection may be reused, since nothing will cancel it any more. If the deadline is over,
     *     PostgreSQL may still have to process an earlier cancellation.
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

    /**
     * Called before a commit, which must not begin once cancellations may be on their way.
     *
     * @throws SQLException if it is too late, so that nothing was committed
     */
    synchronized void beginCommit(Connection connection) throws SQLException {
        check();
        committing.add(connection);
    }

    synchronized void endCommit(Connection connection) {
        committing.remove(connection);
    }

    /** Returns at once. A statement that does not end when it is cancelled, or a commit, loses its connection. */
    public synchronized void stop() {
        if (over || ended) {
            return;
        }
        over = true;
        if (connections.isEmpty() && opening == null) {
            worker.interrupt();
        }
        // On threads of their own, since a frozen server blocks these calls as well.
        Thread.startVirtualThread(this::cancelUntilDone);
        Thread.startVirtualThread(this::abortAfterGrace);
    }

    /** Called by the worker when it is done with this request. */
    public synchronized void end() {
        ended = true;
        if (over) {
            // The interrupt may have come when the worker no longer waited.
            Thread.interrupted();
        }
    }

    /** Repeated, since a statement that was checked just before the deadline may start just after it. */
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
            if (connections.contains(connection) && !committing.contains(connection)) {
                // Not Statement.cancel(): the statement would then not return before the server takes this.
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

    /** Propagates the deadline to each thread that takes over work for the request. */
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
