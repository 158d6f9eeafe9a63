package dev.userdirectory.database;

import dev.userdirectory.database.FairShares.Share;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.CancellationException;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.springframework.dao.PessimisticLockingFailureException;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.stereotype.Component;
import org.springframework.transaction.PlatformTransactionManager;
import org.springframework.transaction.support.TransactionTemplate;

/**
 * Runs a transaction, and retries it if PostgreSQL aborts it to resolve a deadlock, so that clients see no error. Another
 * program may hold a lock for as long as its transaction lasts. So a first attempt waits for locks briefly, and only few
 * transactions wait for longer, because each occupies a connection.
 */
@Component
public class WriteTransaction {
    /** How long a first attempt waits for each lock. */
    public static final String LOCK_TIMEOUT = "50ms";

    private static final String NO_TIMEOUT = "0";
    private static final String DEADLOCK = "40P01";
    private static final int ATTEMPTS = 5;
    /** Triggers read the actor. The settings last until the end of the transaction. */
    private static final String SETTINGS = "select set_config('lock_timeout', ?, true),"
            + " set_config('directory.actor_subject', ?, true), set_config('directory.actor_client', ?, true)";

    private final TransactionTemplate transaction;
    private final JdbcTemplate jdbc;
    private final WaitingCommits waiting;
    /** Accounts take turns, so that one that waits for many locks does not keep others from waiting for theirs. */
    private final ConnectionQueue patient =
            new ConnectionQueue(Runtime.getRuntime().availableProcessors());

    WriteTransaction(PlatformTransactionManager manager, JdbcTemplate jdbc, WaitingCommits waiting) {
        transaction = new TransactionTemplate(manager);
        this.jdbc = jdbc;
        this.waiting = waiting;
    }

    /**
     * @param actor the actor in the events of the transaction; null if unknown
     * @param write runs again after a deadlock or a timeout, so it must not keep state between runs
     * @throws StandbyStalled if too many commits wait for a synchronous standby
     */
    public <T> T execute(@Nullable Actor actor, Supplier<T> write) {
        String subject = actor == null ? "" : actor.subject();
        String client = actor == null ? "" : Objects.requireNonNullElse(actor.client(), "");
        return patiently(lockTimeout -> attempt(() -> {
            jdbc.query(SETTINGS, row -> {}, lockTimeout, subject, client);
            return write.get();
        }));
    }

    /**
     * Runs an attempt with a short lock timeout. If it times out, runs it again without a timeout, once few enough others
     * are waiting without one.
     *
     * @param attempt runs a transaction with the {@code lock_timeout} that it is given
     */
    public <T> T patiently(Function<String, T> attempt) {
        try {
            return attempt.apply(LOCK_TIMEOUT);
        } catch (LockTimeout e) {
            // Another transaction holds a lock, and may commit or roll back.
        }
        Share turn = awaitTurn();
        try {
            return attempt.apply(NO_TIMEOUT);
        } finally {
            patient.release(turn);
        }
    }

    private Share awaitTurn() {
        Deadline deadline = Deadline.current();
        Requester requester = deadline == null ? new Requester(Deadline.currentAccount(), null) : deadline.requester();
        try {
            Share turn = null;
            while (turn == null) {
                turn = patient.acquire(requester, Duration.ofMinutes(1));
            }
            return turn;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new CancellationException("Interrupted");
        }
    }

    /**
     * @param write sets the actor and the lock timeout itself, and runs again after a deadlock
     * @throws LockTimeout if the transaction exceeds its lock timeout; then it is not retried
     * @throws StandbyStalled if too many commits wait for a synchronous standby
     */
    public <T> T attempt(Supplier<T> write) {
        waiting.check();
        for (int attempt = 1; ; attempt++) {
            try {
                return transaction.execute(status -> write.get());
            } catch (RuntimeException e) {
                if (LockTimeout.isCauseOf(e)) {
                    throw new LockTimeout(e);
                }
                boolean isRetried =
                        e instanceof PessimisticLockingFailureException || DEADLOCK.equals(LockTimeout.state(e));
                if (!isRetried || attempt == ATTEMPTS) {
                    throw e;
                }
            }
        }
    }
}
