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
 * The thread and the connections that work for one request, so that they can be stopped: when the request's time is over, or
 * its client has disconnected. After that nothing new begins, not even a commit.
 *
 * <p>A commit that has begun is never cancelled. Where it waits for a synchronous standby, PostgreSQL takes a cancellation as
 * the order to wait no longer, and reports a commit that a failover would lose. It is only abandoned: its connection is closed
 * here, PostgreSQL goes on waiting, and the request is told that the outcome is unknown.
 */
public class Deadline {
    private static final ThreadLocal<@Nullable Deadline> CURRENT = new ThreadLocal<>();
    /** Longer than PostgreSQL takes to cancel what it does; a server that takes longer is not there any more. */
    private static final Duration GRACE = Duration.ofMillis(300);

    private static final Duration AGAIN = Duration.ofMillis(100);

    /** Whose turns the work takes that no request waits for. */
    private static final String BACKGROUND = "background";

    private final Thread worker;
    private final String account;
    private final @Nullable Semaphore share;
    private volatile String subject;
    private volatile @Nullable String actingAs;
    private volatile ConnectionQueue.@Nullable Waiter waiter;
    private final AtomicBoolean lent = new AtomicBoolean();
    private final Set<Connection> connections = ConcurrentHashMap.newKeySet();
    /** Those of the connections that are committing. */
    private final Set<Connection> committing = ConcurrentHashMap.newKeySet();
    /** Held while a connection is cancelled: what has been given back works for somebody else. */
    private final Lock cancelling = new ReentrantLock();

    private volatile boolean over;
    private volatile @Nullable Opening opening;
    private boolean ended;

    private record Opening(DeadlineDataSource pool, long since) {}

    /**
     * @param worker interrupted if it waits for something else than PostgreSQL
     * @param account of the caller, whose turn it is when the request gets a connection
     */
    public Deadline(Thread worker, String account) {
        this(worker, account, null);
    }

    /** @param share of the connections that the operation may use, or null if it may use them all */
    public Deadline(Thread worker, String account, @Nullable Semaphore share) {
        this.worker = worker;
        this.account = account;
        this.subject = account;
        this.share = share;
    }

    /** Runs work that no request waits for, and stops it likewise when its time is over. */
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

    /** Of the caller, whoever's turns the request takes. */
    String account() {
        return account;
    }

    /** Whose turns the request takes. */
    String subject() {
        String other = actingAs;
        return other == null ? subject : other;
    }

    /** Runs under another subject what is not done for this request alone. */
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
     * The current request waits for the result of another one, which therefore takes its turns from now on. Otherwise it would
     * wait behind all that the other one's subject has asked for.
     */
    public static void waitFor(@Nullable Deadline other) {
        Deadline own = CURRENT.get();
        if (own != null && other != null) {
            other.lend(own.account);
        }
    }

    /** Once, so that nobody gets their own request back into their own queue. */
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

    /** Of the request that the current thread works for, or null. */
    public static @Nullable Deadline current() {
        return CURRENT.get();
    }

    /** Whether the current thread was told to stop: then what fails on it says nothing of what others can expect. */
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
     * To be called before a connection is taken from the pool. Until {@link #opened} the worker is not interrupted: on a
     * virtual thread that closes the socket of the connection that the pool is just checking.
     *
     * @throws SQLException if it is too late to begin anything
     */
    synchronized void opening(DeadlineDataSource pool) throws SQLException {
        check();
        opening = new Opening(pool, System.nanoTime());
    }

    /** To be called often: a pool that takes long for a connection is told. */
    public void lookForSilence() {
        Opening current = opening;
        if (current != null) {
            current.pool.waitedFor(System.nanoTime() - current.since);
        }
    }

    /** @param connection null if there was none */
    synchronized void opened(@Nullable Connection connection) {
        opening = null;
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

    /**
     * To be called before a commit, which must not begin once cancellations may be on their way.
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
        // A frozen server lets this wait as well.
        Thread.startVirtualThread(this::cancelUntilDone);
        Thread.startVirtualThread(this::abortAfterGrace);
    }

    /** To be called by the worker: from now on it works for somebody else. */
    public synchronized void end() {
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
            if (connections.contains(connection) && !committing.contains(connection)) {
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
