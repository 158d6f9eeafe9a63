package dev.userdirectory.database;

import java.util.function.Supplier;
import org.springframework.dao.PessimisticLockingFailureException;
import org.springframework.stereotype.Component;
import org.springframework.transaction.PlatformTransactionManager;
import org.springframework.transaction.support.TransactionTemplate;

/** Runs a transaction, and again if PostgreSQL aborts it to resolve a deadlock, so that clients see no error. */
@Component
public class WriteTransaction {
    private static final int ATTEMPTS = 5;

    private final TransactionTemplate transaction;

    WriteTransaction(PlatformTransactionManager manager) {
        transaction = new TransactionTemplate(manager);
    }

    /** @param write runs again after each deadlock, so it must not keep state between runs */
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
