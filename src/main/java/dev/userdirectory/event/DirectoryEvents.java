package dev.userdirectory.event;

import dev.userdirectory.event.Position.Seen;
import dev.userdirectory.page.Ordering;
import dev.userdirectory.page.Ordering.SortKey;
import dev.userdirectory.page.Rows;
import dev.userdirectory.relay.Cursors;
import dev.userdirectory.user.UserCount;
import java.time.Duration;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.springframework.dao.support.DataAccessUtils;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.jdbc.core.RowMapper;
import org.springframework.stereotype.Component;

/**
 * The feed in PostgreSQL. An event is settled once no open transaction can still add an event before it. Readers see
 * only settled events. Settled events never change, except that the oldest are trimmed. A cursor is valid as long as
 * its event is kept, so the newest event is never trimmed.
 */
@Component
class DirectoryEvents {
    /** The name is part of every cursor that has been issued, so it must not change. */
    static final Ordering ORDER = new Ordering(
            "userEvents", true, List.of(new SortKey("e.transaction", "bigint"), new SortKey("e.sequence", "bigint")));

    private static final String SETTLED = "e.transaction < " + EventRows.XMIN;

    private final JdbcTemplate jdbc;
    private final EventRows mapper;

    DirectoryEvents(JdbcTemplate jdbc, EventRows mapper) {
        this.jdbc = jdbc;
        this.mapper = mapper;
    }

    /** The same feed over another connection. */
    DirectoryEvents over(JdbcTemplate connection) {
        return new DirectoryEvents(connection, mapper);
    }

    FeedEras eras() {
        return new FeedEras(jdbc);
    }

    /**
     * Returns the settled events after a position, oldest first.
     *
     * @param settled the position up to which the feed is known to be settled in spite of open transactions; counts
     *     only in its own era
     */
    List<DirectoryEvent> read(Position after, Position settled, EventFilter filter, int limit) {
        List<Object> args = new ArrayList<>(filter.args());
        args.addAll(List.of(
                settled.transaction(),
                settled.sequence(),
                settled.seen().era(),
                after.transaction(),
                after.sequence()));
        return jdbc.query(
                "select " + EventRows.COLUMNS + " from user_events e where " + filter.sql() + " and (e.transaction < "
                        + EventRows.XMIN
                        + " or (e.transaction, e.sequence) <= (?, ?) and (select feed_era()) = ?)"
                        + " and (e.transaction, e.sequence) > (?, ?)"
                        + " order by e.transaction, e.sequence limit " + limit,
                (row, number) -> mapper.read(row, settled),
                args.toArray());
    }

    /** Rows of settled events, for pages that start after that position. */
    Rows<DirectoryEvent> rows(EventFilter filter, Position after, Cursors cursors) {
        String where = filter.sql() + " and " + SETTLED;
        List<Object> args = filter.args();
        ExportSnapshot export = after.seen().export();
        if (export != null) {
            where += " and " + ExportSnapshot.LACKS;
            args.add(export.text());
        }
        RowMapper<DirectoryEvent> rows =
                (row, number) -> mapper.read(row, Position.START).having(after.seen());
        return new Rows<>("user_events e", where, args, EventRows.COLUMNS, rows)
                .withCursors(event -> event.position().cursor(cursors));
    }

    /**
     * Whether all events after that position are kept, and the database has every commit that was seen up to there.
     * Call this after reading the events, since they may be trimmed in between.
     */
    boolean isKept(Position position, EventFilter filter) {
        if (position.isStart()) {
            return isKept(position);
        }
        boolean alone = filter.concernsOnlyUsers();
        List<@Nullable Object> args = new ArrayList<>(List.of(
                position.transaction(),
                position.sequence(),
                position.seen().era(),
                position.seen().wal()));
        args.add(filter.user());
        if (!alone) {
            args.add(filter.group());
        }
        return Boolean.TRUE.equals(jdbc.queryForObject(
                "select feed_has(?, ?, ?, ?, ?::uuid" + (alone ? ")" : ", ?::uuid)"), Boolean.class, args.toArray()));
    }

    /** The same for all events. Works even if the position's event has been trimmed, and for {@link FeedEras#start()}. */
    boolean isKept(Position position) {
        Object[] place = {position.transaction(), position.sequence()};
        Object[] seen = {position.seen().era(), position.seen().wal()};
        return Boolean.TRUE.equals(jdbc.queryForObject(
                "select feed_has(?, ?, ?, ?, null::uuid) or feed_reaches(?, ?)"
                        + " and not exists (select from trimmed_events where (transaction, sequence) > (?, ?))"
                        + " and not exists (select from trimmed_group_events where (transaction, sequence) > (?, ?))",
                Boolean.class,
                Stream.of(place, seen, seen, place, place)
                        .flatMap(Arrays::stream)
                        .toArray()));
    }

    /** The position after which the events since that time begin; empty if some of them may have been trimmed. */
    Optional<Position> since(OffsetDateTime time) {
        return Objects.requireNonNull(jdbc.queryForObject(
                "select s.*, feed_era(), feed_wal() from feed_since(?) s",
                (row, number) -> {
                    Position position =
                            new Position(row.getLong(1), row.getLong(2), new Seen(row.getLong(3), row.getLong(4)));
                    return row.getObject(1) == null
                            ? Optional.empty()
                            : Optional.of(position.compareTo(Position.START) == 0 ? Position.START : position);
                },
                time));
    }

    /** The position of the newest settled event. Events that are committed from now on come after it. */
    Position end() {
        DirectoryEvent newest = DataAccessUtils.singleResult(jdbc.query(
                "select " + EventRows.COLUMNS + " from user_events e where " + EventFilter.ALL.sql() + " and " + SETTLED
                        + " order by e.transaction desc, e.sequence desc limit 1",
                (row, number) -> mapper.read(row, Position.START)));
        return newest == null ? Position.START : newest.position();
    }

    /** How long ago the first committed event after a position was appended; null if there is none. */
    @Nullable
    Duration ageOfNext(Position after) {
        Double seconds = DataAccessUtils.singleResult(jdbc.queryForList(
                "select extract(epoch from clock_timestamp() - e.occurred_at)::float8 from user_events e where "
                        + EventFilter.ALL.sql()
                        + " and (e.transaction, e.sequence) > (?, ?) order by e.transaction, e.sequence limit 1",
                Double.class,
                after.transaction(),
                after.sequence()));
        return seconds == null ? null : Duration.ofMillis(Math.max(0, Math.round(seconds * 1000)));
    }

    /** The position up to which later statements find the feed settled, in spite of open transactions. */
    Position settled() {
        return Objects.requireNonNull(jdbc.queryForObject(
                "select settled_transaction, settled_sequence, feed_era() from feed_settled()",
                (row, number) -> new Position(row.getLong(1), row.getLong(2), new Seen(row.getLong(3), 0))));
    }

    /** Adds the settled events to {@code user_count} if there are at least that many. Returns whether there were. */
    boolean count(int least) {
        boolean isAdded = UserCount.addEvents(jdbc, least);
        if (isAdded) {
            eras().noteProgress();
        }
        return isAdded;
    }
}
