package dev.userdirectory.database;

import java.sql.SQLException;
import org.springframework.dao.DataAccessException;

/** Thrown when a transaction has waited for a lock for as long as PostgreSQL's {@code lock_timeout} allows. */
public final class LockTimeout extends RuntimeException {
    private static final String LOCK_NOT_AVAILABLE = "55P03";

    LockTimeout(DataAccessException cause) {
        super(cause);
    }

    static boolean isCauseOf(DataAccessException e) {
        return e.getMostSpecificCause() instanceof SQLException cause && LOCK_NOT_AVAILABLE.equals(cause.getSQLState());
    }
}
