package dev.userdirectory.user;

import dev.userdirectory.database.RequestCollapser;
import dev.userdirectory.database.WriteTransaction;
import java.sql.SQLException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CancellationException;
import java.util.concurrent.Semaphore;
import java.util.function.Function;
import org.springframework.dao.DataAccessException;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.jdbc.core.RowCallbackHandler;
import org.springframework.jdbc.support.SqlArrayValue;
import org.springframework.stereotype.Component;

/**
 * Stores users that concurrent requests create in one statement and one transaction. Each creation succeeds or fails on
 * its own: a user whose address is taken is left out. An attempt whose outcome is unknown may be repeated: a user that
 * exists under the same ID was created by an earlier attempt.
 */
@Component
class UserInserts {
    /**
     * How long a shared statement waits for a lock. An address may be locked for as long as another program's
     * transaction lasts, and must not delay the creation of other users.
     */
    private static final String LOCK_TIMEOUT = "50ms";

    private static final String NO_TIMEOUT = "0";
    private static final String LOCK_NOT_AVAILABLE = "55P03";
    private static final int STATEMENTS = Runtime.getRuntime().availableProcessors();

    // Ordered by key, so that two statements cannot deadlock by waiting for each other's addresses.
    private static final String INSERT = """
            insert into users as u (id, name, email, active, created_at, updated_at, version)
            select id, name, email, true, created_at, created_at, 0
            from unnest(?, ?, ?, ?) as given (id, name, email, created_at),
                (select set_config('lock_timeout', ?, true) offset 0) as timeout
            order by email_key(email collate "pg_c_utf8")
            on conflict do nothing
            returning %s
            """.formatted(User.COLUMNS);

    // The earlier attempt may not have waited for the standby. The message makes this commit wait until the standby has
    // all WAL up to here.
    private static final String FIND = "select " + User.COLUMNS
            + ", pg_logical_emit_message(true, 'user-directory', '') from users u where u.id = any(?)";

    private final JdbcTemplate jdbc;
    private final WriteTransaction transaction;
    private final RequestCollapser<User, User> shared;
    /** Limits the inserts that wait for a lock without a timeout, since each occupies a connection. */
    private final Semaphore patient = new Semaphore(STATEMENTS, true);

    UserInserts(JdbcTemplate jdbc, WriteTransaction transaction) {
        this.jdbc = jdbc;
        this.transaction = transaction;
        shared = new RequestCollapser<>(STATEMENTS, users -> insert(users, LOCK_TIMEOUT));
    }

    /** Returns the stored user, or nothing if another user has its address. */
    Optional<User> insert(User user) {
        Set<User> alone = Set.of(user);
        try {
            return Optional.ofNullable(shared.load(alone).get(user));
        } catch (LockTimeout e) {
            // The lock may have been on another user's address.
        }
        try {
            return Optional.ofNullable(insert(alone, LOCK_TIMEOUT).get(user));
        } catch (LockTimeout e) {
            return Optional.ofNullable(insertPatiently(alone).get(user));
        }
    }

    private Map<User, User> insertPatiently(Set<User> users) {
        try {
            patient.acquire();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new CancellationException("Interrupted");
        }
        try {
            return insert(users, NO_TIMEOUT);
        } finally {
            patient.release();
        }
    }

    private Map<User, User> insert(Set<User> users, String lockTimeout) {
        return transaction.execute(() -> insert(List.copyOf(users), lockTimeout));
    }

    private Map<User, User> insert(List<User> users, String lockTimeout) {
        Map<UUID, User> stored = HashMap.newHashMap(users.size());
        RowCallbackHandler store = row -> {
            User user = User.read(row, 0);
            stored.put(user.uuid(), user);
        };
        try {
            jdbc.query(
                    INSERT,
                    store,
                    array("uuid", users, User::uuid),
                    array("text", users, User::getName),
                    array("text", users, User::getEmail),
                    array("timestamptz", users, User::getCreatedAt),
                    lockTimeout);
        } catch (DataAccessException e) {
            if (e.getMostSpecificCause() instanceof SQLException cause
                    && LOCK_NOT_AVAILABLE.equals(cause.getSQLState())) {
                throw new LockTimeout(e);
            }
            throw e;
        }
        if (stored.size() < users.size()) {
            // A separate statement, because the conflicting row may be newer than the first statement's snapshot.
            List<User> missing = users.stream()
                    .filter(user -> !stored.containsKey(user.uuid()))
                    .toList();
            jdbc.query(FIND, store, array("uuid", missing, User::uuid));
        }
        Map<User, User> created = HashMap.newHashMap(users.size());
        for (User user : users) {
            User found = stored.get(user.uuid());
            if (found != null) {
                created.put(user, found);
            }
        }
        return created;
    }

    private static SqlArrayValue array(String type, List<User> users, Function<User, Object> property) {
        return new SqlArrayValue(type, users.stream().map(property).toArray());
    }

    /** Hides the locking failure from {@link WriteTransaction}, which would repeat the transaction at once. */
    private static class LockTimeout extends RuntimeException {
        LockTimeout(DataAccessException cause) {
            super(cause);
        }
    }
}
