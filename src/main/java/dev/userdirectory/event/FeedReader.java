package dev.userdirectory.event;

import dev.userdirectory.database.BackgroundThread;
import dev.userdirectory.database.BackgroundThreads;
import dev.userdirectory.database.BackgroundThreads.Task;
import dev.userdirectory.database.Pause;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.TimeGauge;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.dao.DataAccessException;
import org.springframework.stereotype.Component;
import org.springframework.transaction.TransactionException;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Sinks;

/** Takes new events from the table into {@link RecentEvents}, once for all subscribers of this instance. */
@Component
class FeedReader extends BackgroundThread {
    static final String CHANNEL = "user_events";
    private static final Logger log = LoggerFactory.getLogger(FeedReader.class);
    /** The feed promises to poll once a second; a hint makes it poll earlier. */
    private static final Duration POLL = Duration.ofMillis(500);

    private static final int PAGE = 500;

    private final DirectoryEvents events;
    private final RestoredFeed restored;
    private final FeedConnections connections;
    private final EventProperties properties;
    private final Sinks.Many<Boolean> news = Sinks.many().multicast().directBestEffort();
    private volatile RecentEvents recent;
    /** The era in which the reader last found the database. */
    private volatile long era;
    /** Eras that began without everything that the reader had read before. */
    private final Set<Long> lossy = ConcurrentHashMap.newKeySet();
    /** A {@link System#nanoTime}: the reader has taken every event that had been settled by then. */
    private volatile long upToDate;
    /** A {@link System#nanoTime}: when the oldest committed event that followers do not see yet was appended. */
    private volatile @Nullable Long heldBackSince;

    FeedReader(
            DirectoryEvents events,
            RestoredFeed restored,
            FeedConnections connections,
            EventProperties properties,
            BackgroundThreads threads,
            MeterRegistry meters) {
        super(threads, "user-events", Duration.ofSeconds(2));
        this.events = events;
        this.restored = restored;
        this.connections = connections;
        this.properties = properties;
        this.recent = new RecentEvents(properties.buffer(), Position.START);
        TimeGauge.builder("directory.feed.lag", this::lag, TimeUnit.NANOSECONDS)
                .description("Time since the reader last asked the database for new events and got an answer")
                .register(meters);
        TimeGauge.builder("directory.feed.held.back", this::heldBack, TimeUnit.NANOSECONDS)
                .description("Age of the oldest committed event that followers do not see yet, or 0")
                .register(meters);
    }

    private double lag() {
        return isRunning() ? System.nanoTime() - upToDate : Double.NaN;
    }

    private double heldBack() {
        Long since = heldBackSince;
        return since == null ? 0 : System.nanoTime() - since;
    }

    /** Replaced by another instance in each era of the database, which may have lost events. */
    RecentEvents recent() {
        return recent;
    }

    /** The era whose events the reader takes now. */
    long era() {
        return era;
    }

    /** The eras that began without everything that the reader had read before. */
    Set<Long> lossyEras() {
        return lossy;
    }

    /** Emits after each change of the recent events, except to subscribers that are still busy with the last one. */
    Flux<Boolean> news() {
        return news.asFlux();
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
                restored.deleteIfForeign();
                era = events.era();
                recent = new RecentEvents(properties.buffer(), events.end());
                break;
            } catch (DataAccessException | TransactionException e) {
                if (System.nanoTime() - end > 0) {
                    throw e;
                }
                log.warn("The change feed waits for the database: {}", e.getMessage());
                Pause.beforeRetry();
            }
        }
        upToDate = System.nanoTime();
        super.start();
    }

    @Override
    protected void run(Task current) throws SQLException {
        try (FeedConnection connection = connections.openToListen("user-directory events")) {
            connection.jdbc().execute("listen " + CHANNEL);
            DirectoryEvents table = events.over(connection.jdbc());
            if (!noticeEra(table, table.era()) && !hasKeptEnd(table)) {
                startAnew(table);
            }
            long lookedAround = System.nanoTime() - POLL.toNanos();
            while (current.isRunning()) {
                takeAll(table, recent.end(), current);
                long now = System.nanoTime();
                if (now - lookedAround >= POLL.toNanos()) {
                    lookedAround = now;
                    noticeEra(table, table.era());
                    takeHeldBack(table, current);
                }
                current.progress();
                connection.awaitNotification((int) POLL.toMillis());
            }
        }
    }

    private void takeAll(DirectoryEvents table, Position settled, Task current) {
        long looked;
        List<DirectoryEvent> page;
        do {
            looked = System.nanoTime();
            page = table.read(recent.end(), settled, EventFilter.ALL, PAGE);
            if (!page.isEmpty()) {
                if (noticeEra(table, page.getFirst().position().seen().era())) {
                    return;
                }
                recent.add(page);
                news.tryEmitNext(true);
            }
            current.progress();
            // A full page: there may be more.
        } while (page.size() == PAGE && current.isRunning());
        upToDate = looked;
    }

    /**
     * After a failover or a restore, the server may lack the last commits and give their numbers to other events. What
     * followers have seen is not only what this reader has: some began with an export, or at another instance. So in each
     * new era every follower checks it.
     *
     * @return whether a new era has begun
     */
    private boolean noticeEra(DirectoryEvents table, long current) {
        if (era == current) {
            return false;
        }
        if (!hasKeptEnd(table)) {
            lossy.add(current);
        }
        startAnew(table);
        era = current;
        return true;
    }

    private boolean hasKeptEnd(DirectoryEvents table) {
        Position end = recent.end();
        return end.equals(Position.START) || table.isKept(end, EventFilter.ALL);
    }

    private void startAnew(DirectoryEvents table) {
        log.warn("The database was restarted, restored or replaced; the change feed continues after its newest event");
        RecentEvents known = recent;
        recent = new RecentEvents(properties.buffer(), table.end());
        known.abandon();
        news.tryEmitNext(true);
    }

    /** Takes events that waited for open transactions, once none of these can add an event before them. */
    private void takeHeldBack(DirectoryEvents table, Task current) {
        Duration age = table.ageOfNext(recent.end());
        if (age != null) {
            takeAll(table, table.settled(), current);
            age = table.ageOfNext(recent.end());
        }
        heldBackSince = age == null ? null : System.nanoTime() - age.toNanos();
    }
}
