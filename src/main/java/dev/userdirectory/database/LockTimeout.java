package dev.userdirectory.database;

import java.sql.SQLException;
import org.jspecify.annotations.Nullable;
import org.springframework.core.NestedExceptionUtils;

/** Thrown when a transaction has waited for a lock for as long as PostgreSQL's {@code lock_timeout} allows. */
public final class LockTimeout extends RuntimeException {
    private static final String LOCK_NOT_AVAILABLE = "55P03";

    LockTimeout(RuntimeException cause) {
        super(cause);
    }

    static boolean isCauseOf(RuntimeException e) {
        return LOCK_NOT_AVAILABLE.equals(state(e));
    }

    /** PostgreSQL's code of the error, also if nothing has translated JPA's exception; null if there is none. */
    static @Nullable String state(RuntimeException e) {
        return NestedExceptionUtils.getMostSpecificCause(e) instanceof SQLException cause ? cause.getSQLState() : null;
    }
}
