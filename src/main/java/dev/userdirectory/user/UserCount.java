package dev.userdirectory.user;

import org.springframework.jdbc.core.JdbcTemplate;

/**
 * Computes the number of users without counting them: {@code user_count} has their number before a certain transaction,
 * to which the events since then are added.
 */
public final class UserCount {
    private static final String ADDED =
            "select count(*) filter (where e.type = 'CREATED') - count(*) filter (where e.type = 'DELETED')";

    /** With this condition, an index skips the events of groups and memberships. */
    private static final String OF_USERS = "e.group_id is null";

    /** The upper bound excludes nothing, but without it PostgreSQL's planner would expect a third of all events. */
    static final String SQL = """
            (select users from user_count) + (
                %s
                from user_events e
                where e.transaction >= (select transaction from user_count)
                  and e.transaction < 9223372036854775807
                  and %s
            )""".formatted(ADDED, OF_USERS);

    private static final String SETTLED = """
            from user_events e
            where e.transaction >= user_count.transaction
              and e.transaction < pg_snapshot_xmin(pg_current_snapshot())::text::bigint""";

    private static final String UPDATE = """
            update user_count set
                transaction = pg_snapshot_xmin(pg_current_snapshot())::text::bigint,
                users = users + (%1$s %2$s and %3$s)
            where exists (select %2$s offset ?)
            """.formatted(ADDED, SETTLED, OF_USERS);

    private UserCount() {}

    /**
     * Adds the settled events to {@code user_count} if there are at least that many, so that few are left for queries
     * to add up. Another instance may update the row while this statement runs. PostgreSQL then evaluates the condition
     * and the sum again, with the updated row and the old snapshot. Either all events before the updated
     * {@code user_count.transaction} are settled in that snapshot, too, or the condition is false.
     */
    public static boolean addEvents(JdbcTemplate jdbc, int least) {
        return jdbc.update(UPDATE, least - 1) > 0;
    }
}
