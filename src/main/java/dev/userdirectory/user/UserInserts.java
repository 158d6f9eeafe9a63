package dev.userdirectory.user;

import dev.userdirectory.platform.RequestCollapser;
import dev.userdirectory.platform.WriteTransaction;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.function.Function;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.jdbc.support.SqlArrayValue;
import org.springframework.stereotype.Component;

/**
 * Stores users that several requests create at the same time in one statement and one transaction, each for itself: who
 * has another's address is left out. An attempt whose outcome nobody knows may be repeated: whoever is there already,
 * under the same ID, has been created by it.
 */
@Component
class UserInserts {
    // In the order of their keys: two statements that wait for each other's addresses would deadlock.
    private static final String SQL = """
            with inserted as (
                insert into users (id, name, email, active, created_at, updated_at, version)
                select id, name, email, true, created_at, created_at, 0
                from unnest(?, ?, ?, ?) as given (id, name, email, created_at)
                order by lower(email collate "pg_c_utf8")
                on conflict do nothing
                returning *
            )
            select %1$s from inserted u union all select %1$s from users u where u.id = any(?)
            """.formatted(User.COLUMNS);

    private final JdbcTemplate jdbc;
    private final RequestCollapser<User, User> shared;

    UserInserts(JdbcTemplate jdbc, WriteTransaction transaction) {
        this.jdbc = jdbc;
        shared = new RequestCollapser<>(
                Runtime.getRuntime().availableProcessors(),
                users -> transaction.execute(() -> insert(List.copyOf(users))));
    }

    /** The user as it is stored, or nobody if another user has its address. */
    Optional<User> insert(User user) {
        return Optional.ofNullable(shared.load(Set.of(user)).get(user));
    }

    private Map<User, User> insert(List<User> users) {
        SqlArrayValue ids = array("uuid", users, User::uuid);
        Map<UUID, User> stored = HashMap.newHashMap(users.size());
        jdbc.query(
                SQL,
                row -> {
                    User user = User.read(row, 0);
                    stored.put(user.uuid(), user);
                },
                ids,
                array("text", users, User::getName),
                array("text", users, User::getEmail),
                array("timestamptz", users, User::getCreatedAt),
                ids);
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
}
