package dev.userdirectory.user;

import dev.userdirectory.database.Actor;
import dev.userdirectory.database.LockTimeout;
import dev.userdirectory.database.RequestCollapser;
import dev.userdirectory.database.StandbyStalled;
import dev.userdirectory.database.WriteTransaction;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.stereotype.Component;

/**
 * Stores new users, except those whose address is taken. Concurrent requests that create one user each share a
 * statement and a transaction. An attempt whose outcome is unknown may be repeated: a user that exists under the same
 * ID was created by an earlier attempt.
 */
@Component
class UserInserts {
    private static final int STATEMENTS = Runtime.getRuntime().availableProcessors();

    private final CreationStatement statement;
    private final WriteTransaction transaction;
    private final RequestCollapser<Creation, User> shared;

    UserInserts(JdbcTemplate jdbc, WriteTransaction transaction) {
        this.statement = new CreationStatement(jdbc);
        this.transaction = transaction;
        shared = new RequestCollapser<>(
                STATEMENTS, creations -> insertTogether(creations, WriteTransaction.LOCK_TIMEOUT));
    }

    /**
     * Stores several users in the caller's transaction, which sets the actor and the lock timeout.
     *
     * @return the stored users by their index. Users are missing if another user, or an earlier one in the list, has
     *     their address.
     */
    Map<Integer, User> insertAll(List<User> users) {
        List<Creation> creations =
                users.stream().map(user -> new Creation(user, null)).toList();
        Map<Creation, User> stored = statement.insert(creations, null);
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
            throw creation.uncertain().get() ? StandbyStalled.afterAnAttempt() : e;
        }
    }

    private Map<Creation, User> insert(Creation creation) {
        Set<Creation> alone = Set.of(creation);
        try {
            return shared.load(alone);
        } catch (LockTimeout e) {
            // The lock may have been on another user's address.
        }
        return transaction.patiently(lockTimeout -> insertTogether(alone, lockTimeout));
    }

    private Map<Creation, User> insertTogether(Set<Creation> creations, String lockTimeout) {
        try {
            return transaction.attempt(() -> statement.insert(creations, lockTimeout));
        } catch (LockTimeout | StandbyStalled e) {
            // Nothing was committed.
            throw e;
        } catch (RuntimeException e) {
            creations.forEach(creation -> creation.uncertain().set(true));
            throw e;
        }
    }
}
