package dev.userdirectory.event;

import dev.userdirectory.database.OldRows;
import dev.userdirectory.database.Upkeep;
import java.sql.SQLException;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.dao.DataAccessException;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.scheduling.annotation.EnableScheduling;
import org.springframework.scheduling.annotation.Scheduled;
import org.springframework.stereotype.Component;

/**
 * Deletes events, and other rows, past their retention: a thousand at a time, so that locks and transactions stay
 * short. The kinds of rows take turns, so that none has to wait until another one is done.
 */
@Component
@EnableScheduling
class EventTrimming implements Upkeep {
    private static final Logger log = LoggerFactory.getLogger(EventTrimming.class);
    private static final int STEP = 1000;
    private static final Duration PAUSE = Duration.ofMillis(100);

    private final FeedConnections connections;
    private final DirectoryEvents events;
    private final List<OldRows> kinds;

    EventTrimming(
            FeedConnections connections, EventProperties properties, DirectoryEvents events, List<OldRows> others) {
        this.connections = connections;
        this.events = events;
        kinds = new ArrayList<>(others);
        kinds.add((jdbc, limit) -> trim(jdbc, properties.retention(), limit) == limit);
    }

    @Scheduled(
            initialDelayString = "${directory.events.trim-interval:1m}",
            fixedDelayString = "${directory.events.trim-interval:1m}")
    void trim() throws InterruptedException {
        delete(ChronoUnit.FOREVER.getDuration());
    }

    @Override
    public void run(Duration time) throws InterruptedException {
        if (!delete(time)) {
            throw new IllegalStateException("Some old rows could not be deleted; the log has the cause");
        }
    }

    /** Returns true if every deletion succeeded. */
    private boolean delete(Duration time) throws InterruptedException {
        long start = System.nanoTime();
        List<OldRows> failed = new ArrayList<>();
        List<OldRows> left = new ArrayList<>(kinds);
        left.removeIf(rows -> !delete(rows, failed));
        while (!left.isEmpty() && Duration.ofNanos(System.nanoTime() - start).compareTo(time) < 0) {
            Thread.sleep(PAUSE);
            left.removeIf(rows -> !delete(rows, failed));
        }
        return failed.isEmpty();
    }

    /**
     * Opens a new connection for each step, since one that times out is closed. Returns whether there may be more rows.
     */
    private boolean delete(OldRows rows, List<OldRows> failed) {
        try (FeedConnection connection = connections.open("user-directory trimming")) {
            return connection.commitLocally(() -> rows.delete(connection.jdbc(), STEP));
        } catch (SQLException | DataAccessException e) {
            log.warn("Deleting old rows failed, and will be tried again: {}", e.getMessage());
            failed.add(rows);
            return false;
        }
    }

    /**
     * Deletes the oldest events that are past the retention and counted in {@code user_count}, but never the newest
     * event, nor the newest event of a user or any event after it. So as long as some user has an event, a cursor of
     * {@code userEvents} does not expire until a user changes.
     *
     * @return the number of deleted events, at most the limit
     */
    int trim(JdbcTemplate jdbc, Duration retention, int limit) {
        events.over(jdbc).count(1);
        return jdbc.update("""
                delete from user_events where (transaction, sequence) in (
                    select transaction, sequence
                    from (
                        select e.transaction, e.sequence,
                               bool_and(e.occurred_at < now() - ? * interval '1 second')
                                   over (order by e.transaction, e.sequence) as old
                        from (
                            select * from user_events e
                            where e.transaction < (select transaction from user_count)
                            order by e.transaction, e.sequence limit ?
                        ) e
                    ) oldest
                    where old
                        and (transaction, sequence) < (
                            select transaction, sequence from user_events
                            order by transaction desc, sequence desc limit 1)
                        -- "all" is true if no user has an event
                        and (transaction, sequence) < all (
                            select transaction, sequence from user_events
                            where group_id is null order by transaction desc, sequence desc limit 1))
                """, retention.toSeconds(), limit);
    }
}
