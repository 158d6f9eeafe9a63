package dev.userdirectory.event;

import dev.userdirectory.graphql.cache.CommittedChanges;
import dev.userdirectory.graphql.cache.Dependencies;
import dev.userdirectory.group.Group;
import dev.userdirectory.relay.GlobalId;
import dev.userdirectory.relay.NodeType;
import dev.userdirectory.user.User;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.HashSet;
import java.util.Objects;
import java.util.Set;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.stereotype.Component;

/**
 * Finds the events that have become visible since a snapshot. The order of the feed does not reveal them, since an
 * event may become visible after later ones. But no event has a lower number than the transaction that appended it. So
 * the search covers only events whose number is at least that of the first transaction that has ended since.
 *
 * <p>A server that takes over, or recovers from a crash, may have lost the last transactions and reuse their numbers.
 * Recoveries are distinguished by the time at which statistics were last reset, because PostgreSQL discards them in
 * each recovery. A dump that is restored with its tables has another log.
 */
@Component
class VisibleChanges implements CommittedChanges {
    /** The maximum number of events to name. Beyond it, reading everything again is cheaper. */
    private static final int MANY = 1000;

    /** The maximum number of events to search, most of which may have been visible before. */
    private static final int SEARCHED = 10_000;

    private static final String SERVER = """
            concat_ws(' ',
                date_part('epoch', pg_postmaster_start_time()),
                date_part('epoch', pg_stat_get_bgwriter_stat_reset_time()),
                pg_is_in_recovery(), current_database(), current_schema(), 'user_events'::regclass::oid)""";

    /** While no transaction ends, cache lookups run only this statement, or share its result. */
    private static final String STATE = "select " + SERVER + ", pg_current_snapshot()::text";

    private static final String SQL = """
            select server, snapshot, is_complete, type, user_id, group_id, is_new, number
            from (
                select %s as server,
                    pg_current_snapshot()::text as snapshot,
                    before,
                    (
                        select least(pg_snapshot_xmax(before), min(running))::text::bigint
                        from pg_snapshot_xip(before) running
                        where pg_visible_in_snapshot(running, pg_current_snapshot())
                    ) as first
                from (select ?::pg_snapshot as before) given
            ) now
            cross join lateral (
                select coalesce(
                    (select transaction < first from user_events order by transaction, sequence limit 1),
                    true) as is_complete
                offset 0 -- once, and not for each event
            ) log
            left join lateral (
                select *
                from (
                    select type, user_id, group_id, not pg_visible_in_snapshot(writer::text::xid8, before) as is_new,
                        row_number() over (order by transaction, sequence) as number
                    from user_events
                    where transaction >= first
                    order by transaction, sequence limit %d
                ) searched
                where is_new or number > %d
                limit %d
            ) event on true
            """.formatted(SERVER, SEARCHED + 1, SEARCHED, MANY + 1);

    /** While the service runs, the identity cannot change without a change of the server. */
    private static final String IDENTITY = """
            select system_identifier || ' ' || oid || ' ' || quote_ident(current_schema())
            from pg_control_system(), pg_database where datname = current_database()""";

    private final JdbcTemplate jdbc;

    VisibleChanges(JdbcTemplate jdbc) {
        this.jdbc = jdbc;
    }

    @Override
    public boolean isUnchanged(String server, String snapshot) {
        return Boolean.TRUE.equals(jdbc.queryForObject(
                STATE, (row, number) -> server.equals(row.getString(1)) && snapshot.equals(row.getString(2))));
    }

    @Override
    public Changes since(@Nullable String snapshot) {
        return Objects.requireNonNull(jdbc.query(SQL, VisibleChanges::read, snapshot));
    }

    @Override
    public String identity() {
        return Objects.requireNonNull(jdbc.queryForObject(IDENTITY, String.class));
    }

    private static Changes read(ResultSet rows) throws SQLException {
        rows.next();
        String server = rows.getString("server");
        String snapshot = rows.getString("snapshot");
        boolean complete = rows.getBoolean("is_complete");
        Set<String> changed = new HashSet<>();
        int events = 0;
        do {
            events++;
            complete &= rows.getLong("number") <= SEARCHED;
            if (rows.getBoolean("is_new")) {
                String type = rows.getString("type");
                if (EventFilter.isKnown(type)) {
                    addChanged(
                            changed,
                            type,
                            rows.getObject("user_id", UUID.class),
                            rows.getObject("group_id", UUID.class));
                } else {
                    // The event may concern any response.
                    complete = false;
                }
            }
        } while (rows.next());
        return new Changes(server, snapshot, complete && events <= MANY ? changed : null);
    }

    private static void addChanged(Set<String> changed, String type, @Nullable UUID user, @Nullable UUID group) {
        if (type.startsWith("MEMBER_")) {
            changed.add(Dependencies.MEMBERSHIPS);
            changed.add(Dependencies.list("Group.members", id(Group.TYPE, group)));
            changed.add(Dependencies.list("User.groups", id(User.TYPE, user)));
        } else if (group != null) {
            changed.add(Group.TYPE.typeName());
            changed.add(id(Group.TYPE, group));
        } else {
            changed.add(User.TYPE.typeName());
            changed.add(id(User.TYPE, user));
        }
    }

    private static String id(NodeType type, @Nullable UUID uuid) {
        return new GlobalId(type, Objects.requireNonNull(uuid)).toString();
    }
}
