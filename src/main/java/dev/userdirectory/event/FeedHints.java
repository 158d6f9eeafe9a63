package dev.userdirectory.event;

import java.sql.SQLException;
import java.time.Duration;
import java.util.concurrent.Semaphore;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.SmartLifecycle;
import org.springframework.dao.DataAccessException;
import org.springframework.stereotype.Component;
import org.springframework.transaction.TransactionExecution;
import org.springframework.transaction.TransactionExecutionListener;

/**
 * Wakes the readers of all instances after a transaction of this one. Not in it: {@code notify} makes transactions commit
 * one after the other. A hint may be lost, and one is enough for several transactions.
 */
@Component
class FeedHints implements TransactionExecutionListener, SmartLifecycle {
    private static final Logger log = LoggerFactory.getLogger(FeedHints.class);

    /** Notes in advance that this transaction changes nothing, so that cached responses outlive it. */
    private static final String SEND = """
            select setval(
                'user_event_hints',
                (extract(epoch from pg_postmaster_start_time()) * 1000000)::bigint + pg_current_xact_id()::text::bigint),
                pg_notify('%s', '')
            """.formatted(UserEventFeed.CHANNEL);

    private static final Duration INTERVAL = Duration.ofMillis(10);

    private final FeedConnections connections;
    private final Semaphore wanted = new Semaphore(0);
    private volatile @Nullable Thread sender;

    FeedHints(FeedConnections connections) {
        this.connections = connections;
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
        Thread started = Thread.ofPlatform().daemon().name("user-event-hints").unstarted(this::send);
        // Before it runs, since it goes on only as long as it finds itself here.
        sender = started;
        started.start();
    }

    private void send() {
        while (isRunning()) {
            try (FeedConnection connection = connections.open("user-directory hints")) {
                // A hint that a crash loses is of no use after it.
                connection.jdbc().execute("set synchronous_commit = off");
                while (isRunning()) {
                    wanted.acquire();
                    wanted.drainPermits();
                    connection.jdbc().execute(SEND);
                    // Where much is written, each hint is for many transactions.
                    Thread.sleep(INTERVAL);
                }
            } catch (SQLException | DataAccessException e) {
                log.debug("A hint is lost", e);
                UserEventFeed.pause();
            } catch (InterruptedException e) {
                return;
            }
        }
    }

    @Override
    public void stop() {
        Thread stopped = sender;
        sender = null;
        if (stopped != null) {
            stopped.interrupt();
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
