package dev.userdirectory.cache;

import dev.userdirectory.platform.RequestCollapser;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.dao.DataAccessException;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.stereotype.Component;

/**
 * Which transactions a statement that begins now would see, as PostgreSQL writes it ({@code pg_current_snapshot()}): a
 * text that is another one as soon as any transaction that changed anything has committed, on whatever instance, and
 * never comes back. A server that takes over may lack the last transactions, and count on from before them: so when the
 * server started is told as well. Many who ask at once cost one round trip.
 */
@Component
class DatabaseState {
    private static final Logger log = LoggerFactory.getLogger(DatabaseState.class);
    private static final String KEY = "the only one";
    private static final String SQL =
            "select extract(epoch from pg_postmaster_start_time()) || ' ' || pg_current_snapshot()";

    private final RequestCollapser<String, String> states;

    DatabaseState(JdbcTemplate jdbc) {
        states = new RequestCollapser<>(1, keys -> {
            String state = jdbc.queryForObject(SQL, String.class);
            return state == null ? Map.of() : Map.of(KEY, state);
        });
    }

    /** As of after this call; null if the database does not tell. */
    @Nullable
    String current() {
        try {
            return states.load(Set.of(KEY)).get(KEY);
        } catch (DataAccessException e) {
            log.debug("The database does not tell its state", e);
            return null;
        }
    }
}
