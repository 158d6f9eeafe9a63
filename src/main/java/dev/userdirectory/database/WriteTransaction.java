package dev.userdirectory.database;

import java.util.function.Supplier;
import org.springframework.dao.PessimisticLockingFailureException;
import org.springframework.stereotype.Component;
import org.springframework.transaction.PlatformTransactionManager;
import org.springframework.transaction.support.TransactionTemplate;

/** A transaction that starts over when PostgreSQL sacrifices it to resolve a deadlock: to a client that is no error. */
@Component
public class WriteTransaction {
    private static final int ATTEMPTS = 5;

    private final TransactionTemplate transaction;

    WriteTransaction(PlatformTransactionManager manager) {
        transaction = new TransactionTemplate(manager);
    }

    /** @param write is run once more after each deadlock, so it must not keep anything from one run to the next */
    public <T> T execute(Supplier<T> write) {
        for (int attempt = 1; ; attempt++) {
            try {
                return transaction.execute(status -> write.get());
            } catch (PessimisticLockingFailureException e) {
                if (attempt == ATTEMPTS) {
                    throw e;
                }
            }
        }
    }
}
