package dev.userdirectory.event;

import dev.userdirectory.database.BackgroundThread;
import dev.userdirectory.database.BackgroundThreads;
import dev.userdirectory.database.BackgroundThreads.Task;
import java.sql.SQLException;
import java.time.Duration;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;
import org.springframework.transaction.TransactionExecution;
import org.springframework.transaction.TransactionExecutionListener;

/**
 * Wakes the readers of all instances after each transaction of this instance. The transaction itself does not notify
 * them, because {@code notify} makes transactions commit one after the other. A hint may get lost, and one hint may
 * announce several transactions.
 */
@Component
class FeedHints extends BackgroundThread implements TransactionExecutionListener {
    /**
     * The commit of a hint does not wait for the disk or a standby, since a hint that is lost in a crash is not needed
     * afterwards. The setting lasts only for this transaction: a pooler may hand the session to other clients, whose
     * commits must wait.
     */
    private static final String SEND =
            "select set_config('synchronous_commit', 'off', true), pg_notify('" + FeedReader.CHANNEL + "', '')";

    private static final Duration INTERVAL = Duration.ofMillis(10);
    private static final Duration IDLE = Duration.ofSeconds(5);

    private final FeedConnections connections;
    private final Semaphore wanted = new Semaphore(0);

    FeedHints(FeedConnections connections, BackgroundThreads threads) {
        super(threads, "user-event-hints", Duration.ZERO);
        this.connections = connections;
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
    protected void run(Task current) throws SQLException, InterruptedException {
        try (FeedConnection connection = connections.open("user-directory hints")) {
            while (current.isRunning()) {
                if (wanted.tryAcquire(IDLE.toMillis(), TimeUnit.MILLISECONDS)) {
                    wanted.drainPermits();
                    connection.jdbc().execute(SEND);
                    // Under many writes, one hint announces all transactions of the interval.
                    Thread.sleep(INTERVAL);
                }
                current.progress();
            }
        }
    }
}
