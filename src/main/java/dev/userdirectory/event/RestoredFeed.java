package dev.userdirectory.event;

import dev.userdirectory.database.AfterMigration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.stereotype.Component;
import org.springframework.transaction.annotation.Transactional;

/**
 * Restarts the feed if the database was restored into another server, whose transaction numbers have not reached those
 * of the events yet. New events would be sorted before the old ones, so the old ones are deleted, a new era makes every
 * cursor expire, and the users are counted again.
 *
 * <p>Instances that follow the feed check this when they start and when they find a new era. On AWS Lambda no instance
 * follows the feed, so every migration checks it, too.
 */
@Component
@Transactional
class RestoredFeed implements AfterMigration {
    private static final Logger log = LoggerFactory.getLogger(RestoredFeed.class);

    private static final String FOREIGN = """
            pg_snapshot_xmax(pg_current_snapshot())::text::bigint < greatest(
                (select max(transaction) from user_events), (select transaction from user_count))""";

    private final JdbcTemplate jdbc;

    RestoredFeed(JdbcTemplate jdbc) {
        this.jdbc = jdbc;
    }

    @Override
    public void run() {
        deleteIfForeign();
    }

    /**
     * One statement does everything, so that each event is either deleted and counted, or neither.
     *
     * @return the number of deleted events
     */
    int deleteIfForeign() {
        // Check without the lock first: another instance holds it for as long as its commit waits for a synchronous
        // standby.
        if (!Boolean.TRUE.equals(jdbc.queryForObject("select " + FOREIGN, Boolean.class))) {
            return 0;
        }
        // Lock before the statement takes its snapshot, so that no other instance counts events that the statement
        // deletes.
        jdbc.execute("lock table user_count in exclusive mode");
        Integer gone = jdbc.queryForObject("""
                with found as materialized (
                    select %s as foreign_events
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
                """.formatted(FOREIGN), Integer.class);
        if (gone == null) {
            return 0;
        }
        jdbc.update("delete from trimmed_group_events");
        jdbc.update("delete from trimmed_events");
        // Tells `since` that earlier events are gone.
        jdbc.update("insert into trimmed_events (transaction, sequence) values (0, 0)");
        if (gone > 0) {
            log.warn("The change feed starts anew: its {} events are from another database server", gone);
        }
        return gone;
    }
}
