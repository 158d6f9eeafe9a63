package dev.userdirectory.database;

import java.util.Objects;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.springframework.dao.DataAccessException;
import org.springframework.dao.PessimisticLockingFailureException;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.stereotype.Component;
import org.springframework.transaction.PlatformTransactionManager;
import org.springframework.transaction.support.TransactionTemplate;

/** Runs a transaction, and retries it if PostgreSQL aborts it to resolve a deadlock, so that clients see no error. */
@Component
public class WriteTransaction {
    private static final int ATTEMPTS = 5;
    /** Triggers read these settings, which last until the end of the transaction. */
    private static final String SET_ACTOR =
            "select set_config('directory.actor_subject', ?, true), set_config('directory.actor_client', ?, true)";

    private final TransactionTemplate transaction;
    private final JdbcTemplate jdbc;
    private final WaitingCommits waiting;

    WriteTransaction(PlatformTransactionManager manager, JdbcTemplate jdbc, WaitingCommits waiting) {
        transaction = new TransactionTemplate(manager);
        this.jdbc = jdbc;
        this.waiting = waiting;
    }

    /**
     * @param actor the actor in the events of the transaction; null if unknown, or if the write itself sets it
     * @param write runs again after each deadlock, so it must not keep state between runs
     * @throws LockTimeout if the transaction sets a lock timeout and exceeds it; then it is not retried
     * @throws StandbyStalled if too many commits wait for a synchronous standby
     */
    public <T> T execute(@Nullable Actor actor, Supplier<T> write) {
        waiting.check();
        for (int attempt = 1; ; attempt++) {
            try {
                return transaction.execute(status -> {
                    if (actor != null) {
                        jdbc.query(
                                SET_ACTOR, row -> {}, actor.subject(), Objects.requireNonNullElse(actor.client(), ""));
                    }
                    return write.get();
                });
            } catch (DataAccessException e) {
                if (LockTimeout.isCauseOf(e)) {
                    throw new LockTimeout(e);
                }
                if (!(e instanceof PessimisticLockingFailureException) || attempt == ATTEMPTS) {
                    throw e;
                }
            }
        }
    }
}
