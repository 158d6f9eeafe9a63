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
 * The feed in PostgreSQL. It is settled up to where no open transaction can still add an event, and readers see only
 * what is settled: it never changes, except that the oldest events are trimmed. A cursor is good as long as its event is
 * kept, so the newest event is kept for ever.
 */
@Component
class UserEvents {
    static final Ordering ORDER = new Ordering(
            "userEvents", true, List.of(new SortKey("e.transaction", "bigint"), new SortKey("e.sequence", "bigint")));
    /** An event of a type that a newer version has added is not shown: this one has no name for it. */
    private static final String KNOWN = Stream.of(UserEventType.values())
            .map(type -> "'" + type + "'")
            .collect(Collectors.joining(", ", "e.type in (", ")"));

    private static final String XMIN = "pg_snapshot_xmin(pg_current_snapshot())::text::bigint";
    static final String SETTLED = KNOWN + " and e.transaction < " + XMIN;

    /** The subqueries are executed once for all rows, and only if there is one. */
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

    /** The same over another connection. */
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
     * The events behind a position, the oldest first.
     *
     * @param settled up to where the feed is known to be settled, in spite of transactions that are open
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

    /** Of a statement that reads {@link #COLUMNS} of settled events. */
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
     * Whether all events behind that position are kept, and the database has everything that was seen up to there. Ask
     * after reading them, since they may be trimmed meanwhile.
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

    /** The ID of the era that the server is in. */
    long era() {
        return Objects.requireNonNull(jdbc.queryForObject("select feed_era()", Long.class));
    }

    /** The position of the newest event: what is committed from now on stands behind it. */
    Position end() {
        UserEvent newest = DataAccessUtils.singleResult(jdbc.query(
                "select " + COLUMNS + " from user_events e where " + SETTLED
                        + " order by e.transaction desc, e.sequence desc limit 1",
                this::read));
        return newest == null ? Position.START : newest.position();
    }

    /** How long ago the first event behind a position was appended that is committed; null if there is none. */
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

    /** Up to where the feed is settled for statements that begin from now on, in spite of transactions that are open. */
    Position settled() {
        return Objects.requireNonNull(jdbc.queryForObject(
                "select settled_transaction, settled_sequence from feed_settled()",
                (row, number) -> new Position(row.getLong(1), row.getLong(2), Seen.UNKNOWN)));
    }

    /**
     * Takes the settled events into {@code user_count}, if there are at least that many, so that few are left to be
     * added up by whoever counts. Another instance may have done so since this statement began: PostgreSQL then puts the
     * row as that left it to the condition and to the sum, in the old snapshot, to which any event before
     * {@code user_count.transaction} was settled, too, or that condition is false.
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
     * Deletes the oldest events, as far as they are older than that and in {@code user_count}, but never the newest.
     *
     * @return how many, at most the limit
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
     * Events with numbers that PostgreSQL has yet to reach come from a database that was restored into another server.
     * Whatever happens from now on would be sorted before them, so the feed starts anew in another era, every cursor
     * expires, and users are counted once more: by one statement, so that each event is either deleted and counted, or
     * neither.
     *
     * @return how many events are gone
     */
    @Transactional
    int deleteIfForeign() {
        // Before that statement's snapshot is taken, so that nobody else adds up events that it deletes.
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
