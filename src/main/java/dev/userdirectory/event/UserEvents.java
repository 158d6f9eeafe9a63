package dev.userdirectory.event;

import com.netflix.graphql.types.errors.ErrorType;
import com.netflix.graphql.types.errors.TypedGraphQLError;
import dev.userdirectory.relay.Cursors;
import dev.userdirectory.relay.Ordering;
import dev.userdirectory.relay.Ordering.SortKey;
import graphql.GraphQLError;
import graphql.schema.DataFetchingEnvironment;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.springframework.dao.support.DataAccessUtils;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.stereotype.Component;
import org.springframework.transaction.annotation.Transactional;

/**
 * The feed in PostgreSQL. It is shown up to where no transaction is left that could still commit an event; what is
 * shown never changes but that the oldest is trimmed. A cursor is good as long as its event is kept, so the newest
 * event is kept for ever.
 */
@Component
class UserEvents {
    static final Ordering ORDER = new Ordering(
            "userEvents", true, List.of(new SortKey("e.transaction", "bigint"), new SortKey("e.sequence", "bigint")));
    static final String SETTLED = "e.transaction < pg_snapshot_xmin(pg_current_snapshot())::text::bigint";

    static final String EXPIRED =
            "Argument `after` is the cursor of an event that is no longer kept: events may be missing behind it. "
                    + "Read what you need of the users, then follow the feed without `after`.";

    private final JdbcTemplate jdbc;

    UserEvents(JdbcTemplate jdbc) {
        this.jdbc = jdbc;
    }

    static String cursor(Cursors cursors, Position position) {
        return cursors.encode(ORDER.name(), position.transaction(), position.sequence());
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

    /** The events behind a position, the oldest first. */
    List<UserEvent> read(Position after, @Nullable UUID user, int limit) {
        List<Object> args = new ArrayList<>(List.of(after.transaction(), after.sequence()));
        if (user != null) {
            args.add(user);
        }
        return jdbc.query(
                "select " + UserEvent.COLUMNS + " from user_events e where " + SETTLED
                        + " and (e.transaction, e.sequence) > (?, ?)" + (user == null ? "" : " and e.user_id = ?")
                        + " order by e.transaction, e.sequence limit " + limit,
                UserEvent::read,
                args.toArray());
    }

    /**
     * Whether the event at that position is still kept. If it is, so is each event behind it; ask after reading them,
     * since they may be trimmed meanwhile.
     */
    boolean isKept(Position position) {
        return Boolean.TRUE.equals(jdbc.queryForObject(
                "select exists (select from user_events where transaction = ? and sequence = ?)",
                Boolean.class,
                position.transaction(),
                position.sequence()));
    }

    /** The position of the newest event: what is committed from now on stands behind it. */
    Position end() {
        UserEvent newest = DataAccessUtils.singleResult(jdbc.query(
                "select " + UserEvent.COLUMNS + " from user_events e where " + SETTLED
                        + " order by e.transaction desc, e.sequence desc limit 1",
                UserEvent::read));
        return newest == null ? Position.START : newest.position();
    }

    /**
     * Takes the settled events into {@code user_count}, if there are at least that many, so that few are left to be
     * added up by whoever counts. Another instance may have done so since this statement began: PostgreSQL then puts the
     * row as that left it to the condition and to the sum, in the old snapshot, to which any event before
     * {@code user_count.transaction} was settled, too, or that condition is false.
     */
    void count(int least) {
        jdbc.update("""
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
     * Whatever happens from now on would be sorted before them, so the feed starts anew, every cursor expires, and users
     * are counted once more: by one statement, so that each event is either deleted and counted, or neither.
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
                )
                select count(*) from gone
                """, Integer.class);
        return Objects.requireNonNull(gone);
    }
}
