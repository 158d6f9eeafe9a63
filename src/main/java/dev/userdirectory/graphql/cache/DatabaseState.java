package dev.userdirectory.graphql.cache;

import dev.userdirectory.database.RequestCollapser;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.dao.DataAccessException;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.stereotype.Component;

/**
 * A text that changes with every commit of any program, and never repeats. It says which transactions a new statement
 * would see ({@code pg_current_snapshot()}), in which database and schema, and when its server last started and last
 * recovered. A server that takes over, or recovers from a crash, may have lost the last transactions and use their
 * numbers again. Recoveries are told apart by the time at which statistics were last reset, because PostgreSQL discards
 * them in each recovery.
 *
 * <p>The change feed wakes its readers with {@code notify}, which consumes a transaction number although it changes
 * nothing. The sequence {@code user_event_hints} has the last such number, and the snapshot is written as if that
 * transaction had not existed.
 *
 * <p>Concurrent requests share one round trip.
 */
@Component
class DatabaseState {
    private static final Logger log = LoggerFactory.getLogger(DatabaseState.class);
    private static final double MICROS_PER_SECOND = 1e6;
    private static final String KEY = "the only one";
    /** Reads nothing but the memory of PostgreSQL, because it runs for each lookup, unless lookups share it. */
    private static final String SQL = """
            select date_part('epoch', pg_postmaster_start_time()),
                date_part('epoch', pg_stat_get_bgwriter_stat_reset_time()),
                current_database(), current_schema(),
                pg_sequence_last_value('user_event_hints'::regclass), pg_current_snapshot()""";

    /** The identity does not change while the service runs, unless the state changes with it. */
    private static final String IDENTITY = """
            select system_identifier || ' ' || oid || ' ' || quote_ident(current_schema())
            from pg_control_system(), pg_database where datname = current_database()""";

    private final JdbcTemplate jdbc;
    private final RequestCollapser<String, String> states;
    private volatile @Nullable String identity;

    DatabaseState(JdbcTemplate jdbc) {
        this.jdbc = jdbc;
        states = new RequestCollapser<>(1, keys -> {
            String state = jdbc.queryForObject(SQL, (row, number) -> state(row));
            return state == null ? Map.of() : Map.of(KEY, state);
        });
    }

    /** The state at a time after this call began; null if the database does not answer. */
    @Nullable
    String current() {
        try {
            return states.load(Set.of(KEY)).get(KEY);
        } catch (DataAccessException e) {
            log.debug("The database does not tell its state", e);
            return null;
        }
    }

    /** Identifies this database and schema among those of all servers; null if the database does not answer. */
    @Nullable
    String identity() {
        if (identity == null) {
            try {
                identity = jdbc.queryForObject(IDENTITY, String.class);
            } catch (DataAccessException e) {
                log.debug("The database does not tell its identity", e);
            }
        }
        return identity;
    }

    private static String state(ResultSet row) throws SQLException {
        double start = row.getDouble(1);
        long hint = row.getLong(5) - Math.round(start * MICROS_PER_SECOND);
        return start + " " + row.getDouble(2) + " " + row.getString(3) + " " + row.getString(4) + " "
                + without(hint, row.getString(6));
    }

    /** The snapshot as if the transaction had not existed; unchanged unless it is the last one that has ended. */
    private static String without(long transaction, String snapshot) {
        String[] parts = snapshot.split(":", -1);
        if (Long.parseLong(parts[1]) - 1 != transaction) {
            return snapshot;
        }
        long end = transaction;
        List<String> running = parts[2].isEmpty() ? List.of() : new ArrayList<>(List.of(parts[2].split(",")));
        while (!running.isEmpty() && Long.parseLong(running.getLast()) == end - 1) {
            running.removeLast();
            end--;
        }
        return (running.isEmpty() ? end : running.getFirst()) + ":" + end + ":" + String.join(",", running);
    }
}
