package dev.userdirectory.event;

import com.netflix.graphql.types.errors.ErrorType;
import com.netflix.graphql.types.errors.TypedGraphQLError;
import dev.userdirectory.event.Position.Seen;
import dev.userdirectory.generated.types.UserEventType;
import dev.userdirectory.relay.Cursors;
import dev.userdirectory.relay.Ordering;
import dev.userdirectory.relay.Ordering.SortKey;
import graphql.GraphQLError;
import graphql.schema.DataFetchingEnvironment;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.springframework.dao.support.DataAccessUtils;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.stereotype.Component;
import org.springframework.transaction.annotation.Transactional;

/**
 * The feed in PostgreSQL. An event is settled once no open transaction can still add an event before it. Readers see
 * only settled events. These never change, except that the oldest are trimmed. A cursor is valid as long as its event
 * is kept, so the newest event is never trimmed.
 */
@Component
class UserEvents {
    static final Ordering ORDER = new Ordering(
            "userEvents", true, List.of(new SortKey("e.transaction", "bigint"), new SortKey("e.sequence", "bigint")));
    /** Hides events whose type only a newer version of the service knows. */
    private static final String KNOWN = Stream.of(UserEventType.values())
            .map(type -> "'" + type + "'")
            .collect(Collectors.joining(", ", "e.type in (", ")"));

    private static final String XMIN = "pg_snapshot_xmin(pg_current_snapshot())::text::bigint";
    static final String SETTLED = KNOWN + " and e.transaction < " + XMIN;

    /** PostgreSQL executes each subquery once for all rows, and only if there is a row. */
    static final String COLUMNS = "e.transaction, e.sequence, e.type, e.user_id, e.occurred_at, (select " + XMIN
            + ") as settled_before, (select feed_era()) as era, (select feed_wal()) as wal";

    static final String EXPIRED =
            "Argument `after` is the cursor of an event that is no longer kept, or that a failover or restore may have "
                    + "undone. Read the users again, then follow the feed without `after`.";

    private final JdbcTemplate jdbc;
    private final Coverage coverage;

    UserEvents(JdbcTemplate jdbc, Coverage coverage) {
        this.jdbc = jdbc;
        this.coverage = coverage;
    }

    /** The same feed over another connection. */
    UserEvents over(JdbcTemplate connection) {
        return new UserEvents(connection, coverage);
    }

    static String cursor(Cursors cursors, Position position) {
        return cursors.encode(
                ORDER.name(),
                position.transaction(),
                position.sequence(),
                position.seen().era(),
                position.seen().wal());
    }

    static Position position(Cursors cursors, String after) {
        return Position.of(cursors.decode("after", ORDER.name(), after));
    }

    static GraphQLError expired(DataFetchingEnvironment env) {
        return TypedGraphQLError.newBuilder()
                .path(env.getExecutionStepInfo().getPath())
                .location(env.getField().getSourceLocation())
                .errorType(ErrorType.FAILED_PRECONDITION)
                .message(EXPIRED)
                .extensions(Map.of("code", "EVENTS_EXPIRED", "argument", "after"))
                .build();
    }

    /**
     * The events after a position, the oldest first.
     *
     * @param settled the position up to which the feed is known to be settled in spite of open transactions
     */
    List<UserEvent> read(Position after, Position settled, @Nullable UUID user, int limit) {
        List<Object> args = new ArrayList<>(
                List.of(settled.transaction(), settled.sequence(), after.transaction(), after.sequence()));
        if (user != null) {
            args.add(user);
        }
        return jdbc.query(
                "select " + COLUMNS + " from user_events e where " + KNOWN + " and (e.transaction < " + XMIN
                        + " or (e.transaction, e.sequence) <= (?, ?)) and (e.transaction, e.sequence) > (?, ?)"
                        + (user == null ? "" : " and e.user_id = ?")
                        + " order by e.transaction, e.sequence limit " + limit,
                (row, number) -> read(row, settled),
                args.toArray());
    }

    /** Maps a row of a statement that selects {@link #COLUMNS} of settled events. */
    UserEvent read(ResultSet row, int number) throws SQLException {
        return read(row, Position.START);
    }

    private UserEvent read(ResultSet row, Position settled) throws SQLException {
        long transaction = row.getLong("transaction");
        long sequence = row.getLong("sequence");
        long settledBefore = row.getLong("settled_before");
        Seen now = new Seen(row.getLong("era"), row.getLong("wal"));
        Seen seen = coverage.of(
                new Position(transaction, sequence, now),
                transaction < settledBefore ? new Position(settledBefore - 1, Long.MAX_VALUE, now) : settled,
                now);
        return new UserEvent(
                new Position(transaction, sequence, seen),
                UserEventType.valueOf(row.getString("type")),
                row.getObject("user_id", UUID.class),
                row.getObject("occurred_at", OffsetDateTime.class));
    }

    /**
     * Whether all events after that position are kept, and the database has every commit that was seen up to there. Ask
     * after reading the events, since they may be trimmed in between.
     *
     * @param user whose events, or null for everybody's
     */
    boolean isKept(Position position, @Nullable UUID user) {
        return Boolean.TRUE.equals(jdbc.queryForObject(
                "select feed_has(?, ?, ?, ?, ?)",
                Boolean.class,
                position.transaction(),
                position.sequence(),
                position.seen().era(),
                position.seen().wal(),
                user));
    }

    /** The ID of the server's current era. */
    long era() {
        return Objects.requireNonNull(jdbc.queryForObject("select feed_era()", Long.class));
    }

    /** The position of the newest settled event. Events that are committed from now on come after it. */
    Position end() {
        UserEvent newest = DataAccessUtils.singleResult(jdbc.query(
                "select " + COLUMNS + " from user_events e where " + SETTLED
                        + " order by e.transaction desc, e.sequence desc limit 1",
                this::read));
        return newest == null ? Position.START : newest.position();
    }

    /** How long ago the first committed event after a position was appended; null if there is none. */
    @Nullable
    Duration ageOfNext(Position after) {
        Double seconds = DataAccessUtils.singleResult(jdbc.queryForList(
                "select extract(epoch from clock_timestamp() - e.occurred_at)::float8 from user_events e where " + KNOWN
                        + " and (e.transaction, e.sequence) > (?, ?) order by e.transaction, e.sequence limit 1",
                Double.class,
                after.transaction(),
                after.sequence()));
        return seconds == null ? null : Duration.ofMillis(Math.max(0, Math.round(seconds * 1000)));
    }

    /** The position up to which the feed is settled, in spite of open transactions, for statements that begin later. */
    Position settled() {
        return Objects.requireNonNull(jdbc.queryForObject(
                "select settled_transaction, settled_sequence from feed_settled()",
                (row, number) -> new Position(row.getLong(1), row.getLong(2), Seen.UNKNOWN)));
    }

    /**
     * Adds the settled events to {@code user_count} if there are at least that many, so that few are left for queries
     * to add up. Another instance may update the row while this statement runs. PostgreSQL then evaluates the condition
     * and the sum again, with the updated row and the old snapshot. Either all events before the updated
     * {@code user_count.transaction} are settled in that snapshot, too, or the condition is false.
     */
    void count(int least) {
        int counted = jdbc.update("""
                update user_count set
                    transaction = pg_snapshot_xmin(pg_current_snapshot())::text::bigint,
                    users = users + (
                        select count(*) filter (where e.type = 'CREATED') - count(*) filter (where e.type = 'DELETED')
                        from user_events e
                        where e.transaction >= user_count.transaction and %1$s
                    )
                where exists (
                    select from user_events e
                    where e.transaction >= user_count.transaction and %1$s
                    offset ?
                )
                """.formatted(SETTLED), least - 1);
        if (counted > 0) {
            jdbc.update(
                    "update feed_eras set complete_to = pg_current_wal_insert_lsn() where id = (select feed_era())");
        }
    }

    /**
     * Deletes the oldest events past the retention that are counted in {@code user_count}, but never the newest event.
     *
     * @return the number of deleted events, at most the limit
     */
    int trim(Duration retention, int limit) {
        count(1);
        return jdbc.update("""
                delete from user_events where (transaction, sequence) in (
                    select transaction, sequence
                    from (
                        select e.transaction, e.sequence,
                               bool_and(e.occurred_at < now() - ? * interval '1 second') over in_order as old,
                               lead(e.sequence) over in_order is not null as followed
                        from (
                            select * from user_events e
                            where e.transaction < (select transaction from user_count)
                            order by e.transaction, e.sequence limit ? + 1
                        ) e
                        window in_order as (order by e.transaction, e.sequence)
                    ) oldest
                    where old and followed)
                """, retention.toSeconds(), limit);
    }

    /**
     * Starts the feed anew if the database was restored into another server, whose transaction numbers have not reached
     * those of the events yet. New events would be sorted before the old ones, so the old ones are deleted, a new era
     * expires every cursor, and the users are counted again. One statement does this, so that each event is either
     * deleted and counted, or neither.
     *
     * @return the number of deleted events
     */
    @Transactional
    int deleteIfForeign() {
        // Locks before the statement takes its snapshot, so that no other instance counts events that it deletes.
        jdbc.execute("lock table user_count in exclusive mode");
        Integer gone = jdbc.queryForObject("""
                with found as materialized (
                    select pg_snapshot_xmax(pg_current_snapshot())::text::bigint < greatest(
                        (select max(transaction) from user_events), (select transaction from user_count)) as foreign_events
                ), gone as (
                    delete from user_events where (select foreign_events from found) returning 1
                ), counted as (
                    update user_count set
                        transaction = pg_snapshot_xmin(pg_current_snapshot())::text::bigint,
                        users = (select count(*) from users)
                    where (select foreign_events from found)
                ), begun as (
                    insert into feed_eras (system_identifier, timeline, server_started, events, began_after)
                    select system_identifier, timeline, server_started, events, '0/0'
                    from feed_eras
                    where (select foreign_events from found) order by number desc limit 1
                    returning 1
                )
                select case when exists (select from begun) then (select count(*) from gone) end
                """, Integer.class);
        if (gone == null) {
            return 0;
        }
        jdbc.update("delete from trimmed_events");
        return gone;
    }
}
