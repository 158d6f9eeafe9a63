package dev.userdirectory.event;

import dev.userdirectory.database.BackgroundThreads;
import dev.userdirectory.database.BackgroundThreads.Task;
import java.sql.SQLException;
import java.time.Duration;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.springframework.context.SmartLifecycle;
import org.springframework.stereotype.Component;
import org.springframework.transaction.TransactionExecution;
import org.springframework.transaction.TransactionExecutionListener;

/**
 * Wakes the readers of all instances after each transaction of this instance. The transaction itself does not notify
 * them, because {@code notify} makes transactions commit one after the other. A hint may get lost, and one hint may
 * announce several transactions.
 */
@Component
class FeedHints implements TransactionExecutionListener, SmartLifecycle {
    /** Records, before it commits, that the hint's transaction changes no data, so that cached responses stay valid. */
    private static final String SEND = """
            select setval(
                'user_event_hints',
                (extract(epoch from pg_postmaster_start_time()) * 1000000)::bigint + pg_current_xact_id()::text::bigint),
                pg_notify('%s', '')
            """.formatted(UserEventFeed.CHANNEL);

    private static final Duration INTERVAL = Duration.ofMillis(10);
    private static final Duration IDLE = Duration.ofSeconds(5);

    private final FeedConnections connections;
    private final Semaphore wanted = new Semaphore(0);
    private final BackgroundThreads threads;
    private volatile @Nullable Task sender;

    FeedHints(FeedConnections connections, BackgroundThreads threads) {
        this.connections = connections;
        this.threads = threads;
    }

    @Override
    public void afterCommit(TransactionExecution transaction, @Nullable Throwable failure) {
        want(transaction);
    }

    /** Committed events may have waited for this transaction to end. */
    @Override
    public void afterRollback(TransactionExecution transaction, @Nullable Throwable failure) {
        want(transaction);
    }

    private void want(TransactionExecution transaction) {
        if (transaction.isNewTransaction() && !transaction.isReadOnly()) {
            wanted.release();
        }
    }

    @Override
    public void start() {
        sender = threads.start("user-event-hints", this::send);
    }

    private void send(Task task) throws SQLException, InterruptedException {
        try (FeedConnection connection = connections.open("user-directory hints")) {
            // After a crash, a lost hint would no longer be needed.
            connection.jdbc().execute("set synchronous_commit = off");
            while (task.isRunning()) {
                if (wanted.tryAcquire(IDLE.toMillis(), TimeUnit.MILLISECONDS)) {
                    wanted.drainPermits();
                    connection.jdbc().execute(SEND);
                    // Under many writes, one hint announces all transactions of the interval.
                    Thread.sleep(INTERVAL);
                }
                task.progress();
            }
        }
    }

    @Override
    public void stop() {
        Task stopped = sender;
        sender = null;
        if (stopped != null) {
            stopped.stop(Duration.ZERO);
        }
    }

    @Override
    public boolean isRunning() {
        return sender != null;
    }

    @Override
    public int getPhase() {
        return 0;
    }
}
