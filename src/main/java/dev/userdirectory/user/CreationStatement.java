package dev.userdirectory.user;

import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.jdbc.core.RowCallbackHandler;

/** The statement that stores new users. */
final class CreationStatement {
    // Ordered by key, so that two statements cannot deadlock by waiting for each other's addresses. If new users have
    // the same address, the first one gets it: IDs increase in the order of creation.
    private static final String INSERT = """
            insert into users as u (id, name, email, active, created_at, updated_at, version)
            select id, name, email, active, created_at, created_at, 0
            from unnest(?, ?, ?, ?, ?) as given (id, name, email, active, created_at),
                (select set_config('lock_timeout', coalesce(?, current_setting('lock_timeout')), true),
                    set_config('directory.creators', ?, true) offset 0) as settings
            order by email_key(email collate "pg_c_utf8"), id
            on conflict do nothing
            returning %s
            """.formatted(User.COLUMNS);

    // The earlier attempt may not have waited for the standby. The message makes this commit wait until the standby has
    // all WAL up to here.
    private static final String FIND = "select " + User.COLUMNS
            + ", pg_logical_emit_message(true, 'user-directory', '') from users u where u.id = any(?)";

    private final JdbcTemplate jdbc;

    CreationStatement(JdbcTemplate jdbc) {
        this.jdbc = jdbc;
    }

    /**
     * Stores users in the caller's transaction, except those whose address is taken.
     *
     * @param lockTimeout PostgreSQL's {@code lock_timeout} until the transaction ends; null if the caller has set it
     * @return the stored users, and those that an earlier attempt has stored
     */
    Map<Creation, User> insert(Collection<Creation> creations, @Nullable String lockTimeout) {
        Map<UUID, Creation> given = creations.stream().collect(Collectors.toMap(Creation::uuid, Function.identity()));
        Map<Creation, User> stored = HashMap.newHashMap(creations.size());
        RowCallbackHandler store = row -> {
            User user = User.read(row, 0);
            stored.put(Objects.requireNonNull(given.get(user.uuid())), user);
        };
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
        if (stored.size() < creations.size()) {
            // A separate statement, because the conflicting row may be newer than the first statement's snapshot.
            List<Creation> missing = creations.stream()
                    .filter(creation -> !stored.containsKey(creation))
                    .toList();
            jdbc.query(FIND, store, Creation.array("uuid", missing, User::uuid));
        }
        return stored;
    }
}
