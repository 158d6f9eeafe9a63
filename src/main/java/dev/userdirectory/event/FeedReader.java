package dev.userdirectory.event;

import dev.userdirectory.database.BackgroundThread;
import dev.userdirectory.database.BackgroundThreads;
import dev.userdirectory.database.BackgroundThreads.Task;
import dev.userdirectory.database.Pause;
import io.micrometer.core.instrument.MeterRegistry;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.dao.DataAccessException;
import org.springframework.stereotype.Component;
import org.springframework.transaction.TransactionException;

/** Takes new events from the table into the {@link LiveFeed}, once for all subscribers of this instance. */
@Component
class FeedReader extends BackgroundThread {
    static final String CHANNEL = "user_events";
    private static final Logger log = LoggerFactory.getLogger(FeedReader.class);
    /** The feed promises to poll once a second; a hint makes it poll earlier. */
    private static final Duration POLL = Duration.ofMillis(500);

    private static final int PAGE = 500;

    private final LiveFeed live;
    private final DirectoryEvents events;
    private final FeedConnections connections;
    private final EventProperties properties;
    private final FeedLag lag;

    FeedReader(
            LiveFeed live,
            DirectoryEvents events,
            FeedConnections connections,
            EventProperties properties,
            BackgroundThreads threads,
            MeterRegistry meters) {
        super(threads, "user-events", Duration.ofSeconds(2));
        this.live = live;
        this.events = events;
        this.connections = connections;
        this.properties = properties;
        this.lag = new FeedLag(this::isRunning, meters);
    }

    @Override
    public boolean isAutoStartup() {
        return properties.follow();
    }

    @Override
    public void start() {
        // The database may be restarting.
        long end = System.nanoTime() + Duration.ofSeconds(10).toNanos();
        while (true) {
            try {
                live.begin(events);
                break;
            } catch (DataAccessException | TransactionException e) {
                if (System.nanoTime() - end > 0) {
                    throw e;
                }
                log.warn("The change feed waits for the database: {}", e.getMessage());
                Pause.beforeRetry();
            }
        }
        lag.upToDate(System.nanoTime());
        super.start();
    }

    @Override
    protected void run(Task current) throws SQLException {
        try (FeedConnection connection = connections.openToListen("user-directory events")) {
            connection.jdbc().execute("listen " + CHANNEL);
            DirectoryEvents table = events.over(connection.jdbc());
            live.check(table);
            long lookedAround = System.nanoTime() - POLL.toNanos();
            while (current.isRunning()) {
                takeAll(table, live.recent().end(), current);
                long now = System.nanoTime();
                if (now - lookedAround >= POLL.toNanos()) {
                    lookedAround = now;
                    live.noticeEra(table, table.eras().current());
                    takeHeldBack(table, current);
                }
                current.progress();
                connection.awaitNotification((int) POLL.toMillis());
            }
        }
    }

    private void takeAll(DirectoryEvents table, Position settled, Task current) {
        long asked;
        List<DirectoryEvent> page;
        do {
            asked = System.nanoTime();
            page = table.read(live.recent().end(), settled, EventFilter.ALL, PAGE);
            if (!page.isEmpty()) {
                if (live.noticeEra(table, page.getFirst().position().seen().era())) {
                    return;
                }
                live.add(page);
            }
            current.progress();
            // After a full page, there may be more.
        } while (page.size() == PAGE && current.isRunning());
        lag.upToDate(asked);
    }

    /** Takes events that waited for open transactions, once none of these can add an event before them. */
    private void takeHeldBack(DirectoryEvents table, Task current) {
        Duration age = table.ageOfNext(live.recent().end());
        if (age != null) {
            takeAll(table, table.settled(), current);
            age = table.ageOfNext(live.recent().end());
        }
        lag.heldBack(age);
    }
}
