package dev.userdirectory.event;

import dev.userdirectory.platform.BackgroundThreads;
import dev.userdirectory.platform.BackgroundThreads.Task;
import java.sql.SQLException;
import java.time.Duration;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.jdbc.autoconfigure.JdbcConnectionDetails;
import org.springframework.context.SmartLifecycle;
import org.springframework.stereotype.Component;
import org.springframework.transaction.TransactionExecution;
import org.springframework.transaction.TransactionExecutionListener;

/**
 * Wakes the readers of all instances after a transaction of this one. Not in it: {@code notify} makes transactions commit
 * one after the other. A hint may get lost, and one does for several transactions.
 */
@Component
class FeedHints implements TransactionExecutionListener, SmartLifecycle {
    private static final Duration INTERVAL = Duration.ofMillis(10);
    private static final Duration IDLE = Duration.ofSeconds(5);

    private final JdbcConnectionDetails database;
    private final Semaphore wanted = new Semaphore(0);
    private final BackgroundThreads threads;
    private volatile @Nullable Task sender;

    FeedHints(JdbcConnectionDetails database, BackgroundThreads threads) {
        this.database = database;
        this.threads = threads;
    }

    @Override
    public void afterCommit(TransactionExecution transaction, @Nullable Throwable failure) {
        want(transaction);
    }

    /** Others may have waited for this one to end. */
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
        try (FeedConnection connection = FeedConnection.open(database, "user-directory hints")) {
            while (task.isRunning()) {
                if (wanted.tryAcquire(IDLE.toMillis(), TimeUnit.MILLISECONDS)) {
                    wanted.drainPermits();
                    connection.jdbc().execute("notify " + UserEventFeed.CHANNEL);
                    // Where much is written, each hint is for many transactions.
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
