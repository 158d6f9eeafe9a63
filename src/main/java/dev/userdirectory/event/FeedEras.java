package dev.userdirectory.event;

import dev.userdirectory.event.Position.Seen;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import org.springframework.jdbc.core.JdbcTemplate;

/**
 * The eras of the feed in PostgreSQL. A new one begins whenever a server is restarted, restored or replaced, since it
 * may lack the last commits.
 */
final class FeedEras {
    private final JdbcTemplate jdbc;

    FeedEras(JdbcTemplate jdbc) {
        this.jdbc = jdbc;
    }

    /** The ID of the server's current era. */
    long current() {
        return Objects.requireNonNull(jdbc.queryForObject("select feed_era()", Long.class));
    }

    /** The position before every event, for a reader that has seen the feed while it was empty. */
    Position start() {
        return Objects.requireNonNull(jdbc.queryForObject(
                "select feed_era(), feed_wal()",
                (row, number) -> new Position(0, 0, new Seen(row.getLong(1), row.getLong(2)))));
    }

    /** Returns the position, or {@link #start} if it is before every event. A cursor then reveals lost events, too. */
    Position startIfNone(Position position) {
        return position.isStart() ? start() : position;
    }

    /**
     * The eras up to now, so that positions can be checked against them without the database.
     *
     * @param limits the log position of each era up to which all later eras have its commits
     */
    record Known(Map<Long, Long> limits) {
        static final Known NONE = new Known(Map.of());

        /** Whether the newest of these eras has every commit that was seen. */
        boolean have(Seen seen) {
            return seen.wal() <= limits.getOrDefault(seen.era(), -1L);
        }
    }

    Known known() {
        Map<Long, Long> limits = new HashMap<>();
        jdbc.query(
                "select id, (min(began_after) over (order by number desc"
                        + " rows between unbounded preceding and 1 preceding) - '0/0')::bigint from feed_eras",
                row -> {
                    long limit = row.getLong(2);
                    limits.put(row.getLong(1), row.wasNull() ? Long.MAX_VALUE : limit);
                });
        return new Known(limits);
    }

    /**
     * Records that the database has every commit up to now, for servers that do not report where their timeline began.
     */
    void noteProgress() {
        jdbc.update("update feed_eras set complete_to = pg_current_wal_insert_lsn() where id = (select feed_era())");
    }

    /**
     * Records that an era lacks events that were read before. This does not wait for a synchronous standby, which may
     * be the reason for the new era.
     */
    void markLossy(long era) {
        jdbc.update(
                "update feed_eras set lossy = true"
                        + " where id = ? and set_config('synchronous_commit', 'local', true) is not null",
                era);
    }

    /** The number of the newest era that lacks events; 0 if there is none. */
    long newestLossy() {
        return Objects.requireNonNull(
                jdbc.queryForObject("select coalesce(max(number), 0) from feed_eras where lossy", Long.class));
    }

    /** Whether the server, its timeline and the table of events are still those of that era. */
    boolean isUnchangedSince(long since) {
        return Boolean.TRUE.equals(jdbc.queryForObject(
                "select count(distinct (system_identifier, timeline, events)) = 1 from feed_eras"
                        + " where number >= (select number from feed_eras where id = ?)",
                Boolean.class,
                since));
    }
}
