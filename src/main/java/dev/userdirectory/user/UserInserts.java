package dev.userdirectory.user;

import dev.userdirectory.database.Actor;
import dev.userdirectory.database.RequestCollapser;
import dev.userdirectory.database.StandbyStalled;
import dev.userdirectory.database.WriteTransaction;
import java.sql.SQLException;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CancellationException;
import java.util.concurrent.Semaphore;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.springframework.dao.DataAccessException;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.jdbc.core.RowCallbackHandler;
import org.springframework.stereotype.Component;

/**
 * Stores new users, except those whose address is taken. Concurrent requests that create one user each share a
 * statement and a transaction. An attempt whose outcome is unknown may be repeated: a user that exists under the same
 * ID was created by an earlier attempt.
 */
@Component
class UserInserts {
    /**
     * How long a shared statement waits for a lock. An address may be locked for as long as another program's
     * transaction lasts, and must not delay the creation of other users.
     */
    private static final String LOCK_TIMEOUT = "50ms";

    static final String NO_TIMEOUT = "0";
    private static final String LOCK_NOT_AVAILABLE = "55P03";
    private static final int STATEMENTS = Runtime.getRuntime().availableProcessors();

    // Ordered by key, so that two statements cannot deadlock by waiting for each other's addresses. If new users have
    // the same address, the first one gets it: IDs increase in the order of creation.
    private static final String INSERT = """
            insert into users as u (id, name, email, active, created_at, updated_at, version)
            select id, name, email, active, created_at, created_at, 0
            from unnest(?, ?, ?, ?, ?) as given (id, name, email, active, created_at),
                (select set_config('lock_timeout', ?, true), set_config('directory.creators', ?, true) offset 0) as settings
            order by email_key(email collate "pg_c_utf8"), id
            on conflict do nothing
            returning %s
            """.formatted(User.COLUMNS);

    // The earlier attempt may not have waited for the standby. The message makes this commit wait until the standby has
    // all WAL up to here.
    private static final String FIND = "select " + User.COLUMNS
            + ", pg_logical_emit_message(true, 'user-directory', '') from users u where u.id = any(?)";

    private final JdbcTemplate jdbc;
    private final WriteTransaction transaction;
    private final RequestCollapser<Creation, User> shared;
    /** Limits the inserts that wait for a lock without a timeout, since each occupies a connection. */
    private final Semaphore patient = new Semaphore(STATEMENTS, true);

    UserInserts(JdbcTemplate jdbc, WriteTransaction transaction) {
        this.jdbc = jdbc;
        this.transaction = transaction;
        shared = new RequestCollapser<>(STATEMENTS, creations -> insertTogether(creations, LOCK_TIMEOUT));
    }

    /**
     * Stores several users in the caller's transaction, which sets the actor.
     *
     * @param lockTimeout from {@link #patiently}, or {@link #NO_TIMEOUT}
     * @return the stored users by their index. Users are missing if another user, or an earlier one in the list, has
     *     their address.
     */
    Map<Integer, User> insertAll(List<User> users, String lockTimeout) {
        List<Creation> creations =
                users.stream().map(user -> new Creation(user, null)).toList();
        Map<Creation, User> stored = insert(creations, lockTimeout);
        return IntStream.range(0, users.size())
                .boxed()
                .filter(i -> stored.containsKey(creations.get(i)))
                .collect(Collectors.toMap(
                        Function.identity(), i -> Objects.requireNonNull(stored.get(creations.get(i)))));
    }

    /** Returns the stored user, or nothing if another user has its address. */
    Optional<User> insert(User user, @Nullable Actor creator) {
        Creation creation = new Creation(user, creator);
        try {
            return Optional.ofNullable(insert(creation).get(creation));
        } catch (StandbyStalled e) {
            throw creation.begun().get() ? StandbyStalled.afterAnAttempt() : e;
        }
    }

    private Map<Creation, User> insert(Creation creation) {
        Set<Creation> alone = Set.of(creation);
        try {
            return shared.load(alone);
        } catch (LockTimeout e) {
            // The lock may have been on another user's address.
        }
        return patiently(lockTimeout -> insertTogether(alone, lockTimeout));
    }

    /**
     * Makes an attempt with a short lock timeout. If it times out, makes another one without a timeout, as soon as few
     * enough others are waiting without one.
     *
     * @param attempt runs a transaction with the lock timeout that it is given
     */
    <T> T patiently(Function<String, T> attempt) {
        try {
            return attempt.apply(LOCK_TIMEOUT);
        } catch (LockTimeout e) {
            // Another transaction holds the address, and may commit or roll back.
        }
        try {
            patient.acquire();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new CancellationException("Interrupted");
        }
        try {
            return attempt.apply(NO_TIMEOUT);
        } finally {
            patient.release();
        }
    }

    private Map<Creation, User> insertTogether(Set<Creation> creations, String lockTimeout) {
        try {
            return transaction.execute(null, () -> insert(creations, lockTimeout));
        } catch (LockTimeout | StandbyStalled e) {
            throw e;
        } catch (RuntimeException e) {
            creations.forEach(creation -> creation.begun().set(true));
            throw e;
        }
    }

    private Map<Creation, User> insert(Collection<Creation> creations, String lockTimeout) {
        Map<UUID, Creation> given = creations.stream().collect(Collectors.toMap(Creation::uuid, Function.identity()));
        Map<Creation, User> stored = HashMap.newHashMap(creations.size());
        RowCallbackHandler store = row -> {
            User user = User.read(row, 0);
            stored.put(Objects.requireNonNull(given.get(user.uuid())), user);
        };
        try {
            jdbc.query(
                    INSERT,
                    store,
                    Creation.array("uuid", creations, User::uuid),
                    Creation.array("text", creations, User::getName),
                    Creation.array("text", creations, User::getEmail),
                    Creation.array("bool", creations, User::isActive),
                    Creation.array("timestamptz", creations, User::getCreatedAt),
                    lockTimeout,
                    Creation.creators(creations));
        } catch (DataAccessException e) {
            if (e.getMostSpecificCause() instanceof SQLException cause
                    && LOCK_NOT_AVAILABLE.equals(cause.getSQLState())) {
                throw new LockTimeout(e);
            }
            throw e;
        }
        if (stored.size() < creations.size()) {
            // A separate statement, because the conflicting row may be newer than the first statement's snapshot.
            List<Creation> missing = creations.stream()
                    .filter(creation -> !stored.containsKey(creation))
                    .toList();
            jdbc.query(FIND, store, Creation.array("uuid", missing, User::uuid));
        }
        return stored;
    }

    /** Hides the locking failure from {@link WriteTransaction}, which would repeat the transaction at once. */
    private static class LockTimeout extends RuntimeException {
        LockTimeout(DataAccessException cause) {
            super(cause);
        }
    }
}
