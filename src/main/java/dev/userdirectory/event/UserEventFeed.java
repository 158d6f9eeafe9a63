package dev.userdirectory.event;

import dev.userdirectory.database.BackgroundThreads;
import dev.userdirectory.database.BackgroundThreads.Task;
import dev.userdirectory.event.RecentEvents.Overtaken;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.TimeGauge;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.context.SmartLifecycle;
import org.springframework.dao.DataAccessException;
import org.springframework.stereotype.Component;
import org.springframework.transaction.TransactionException;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;
import reactor.util.retry.Retry;

/**
 * One reader for all subscribers of this instance. It takes new events from the table into {@link RecentEvents} and
 * wakes the subscribers. A subscriber that resumes further back reads the table itself until it has caught up.
 *
 * <p>The subscriber misses no event in between: the reader takes only settled events, so a subscriber that reads the
 * table later sees them too.
 */
@Component
@EnableConfigurationProperties(EventProperties.class)
class UserEventFeed implements SmartLifecycle {
    static final String CHANNEL = "user_events";
    private static final Logger log = LoggerFactory.getLogger(UserEventFeed.class);
    /** The feed promises to poll once a second; a hint makes it poll earlier. */
    private static final Duration POLL = Duration.ofMillis(500);

    private static final int PAGE = 500;
    private static final Duration RETRY = Duration.ofSeconds(1);
    /** How long to wait at the start for a database that is restarting. */
    private static final Duration START_PATIENCE = Duration.ofSeconds(10);

    private final UserEvents events;
    private final FeedConnections connections;
    private final EventProperties properties;
    private final BackgroundThreads threads;
    private final Sinks.Many<Boolean> news = Sinks.many().multicast().directBestEffort();
    /** Few, so that clients that reconnect leave the pool to others. Not interrupted, since JDBC calls cannot be. */
    private final ExecutorService replayThreads = Executors.newFixedThreadPool(
            4, Thread.ofPlatform().daemon().name("replay-", 0).factory());

    private final Scheduler replays = Schedulers.fromExecutor(task -> replayThreads.execute(task));
    private final Scheduler subscribers = Schedulers.fromExecutor(Thread::startVirtualThread);
    private volatile RecentEvents recent;
    private final AtomicInteger following = new AtomicInteger();
    private volatile @Nullable Task reader;
    /** The era in which the reader last found the database. */
    private long era;
    /** A {@link System#nanoTime}: the reader has taken every event that had been settled by then. */
    private volatile long upToDate;
    /** A {@link System#nanoTime}: when the oldest committed event that followers do not see yet was appended. */
    private volatile @Nullable Long heldBackSince;

    UserEventFeed(
            UserEvents events,
            FeedConnections connections,
            EventProperties properties,
            BackgroundThreads threads,
            MeterRegistry meters) {
        this.threads = threads;
        this.events = events;
        this.connections = connections;
        this.properties = properties;
        this.recent = new RecentEvents(properties.buffer(), Position.START);
        Gauge.builder("directory.feed.subscribers", following, AtomicInteger::get)
                .description("Subscriptions that follow the change feed")
                .register(meters);
        TimeGauge.builder("directory.feed.lag", this, TimeUnit.NANOSECONDS, UserEventFeed::lag)
                .description("Time since the reader last asked the database for new events and got an answer")
                .register(meters);
        TimeGauge.builder("directory.feed.held.back", this, TimeUnit.NANOSECONDS, UserEventFeed::heldBack)
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

    /**
     * The events after that position: first the existing ones, then each new one. Never completes.
     *
     * @param user whose events, or null for everybody's
     */
    Flux<UserEvent> follow(Position after, @Nullable UUID user) {
        return Flux.defer(() -> {
            Follower follower = new Follower(events, () -> recent, properties, after, user);
            following.incrementAndGet();
            return Flux.<List<UserEvent>>generate(follower::replay)
                    .subscribeOn(replays)
                    .concatMapIterable(page -> page, 1)
                    .concatWith(live(follower))
                    .retryWhen(Retry.indefinitely().filter(Overtaken.class::isInstance))
                    .handle(follower::take)
                    // Moves off the reader's thread, with a small buffer: a backlog stays in the memory that all share.
                    .publishOn(subscribers, 16)
                    .doFinally(signal -> following.decrementAndGet());
        });
    }

    private Flux<UserEvent> live(Follower follower) {
        Iterable<UserEvent> next = () -> follower;
        // One wake-up after subscribing to the news, for events that arrived in between.
        return Flux.merge(news.asFlux(), Mono.just(true)).onBackpressureLatest().concatMapIterable(wake -> next, 1);
    }

    @Override
    public boolean isAutoStartup() {
        return properties.follow();
    }

    @Override
    public void start() {
        begin();
        upToDate = System.nanoTime();
        reader = threads.start("user-events", this::read);
    }

    private void begin() {
        long end = System.nanoTime() + START_PATIENCE.toNanos();
        while (true) {
            try {
                int foreign = events.deleteIfForeign();
                if (foreign > 0) {
                    log.warn("The change feed starts anew: its {} events are from another database server", foreign);
                }
                recent = new RecentEvents(properties.buffer(), events.end());
                return;
            } catch (DataAccessException | TransactionException e) {
                if (System.nanoTime() - end > 0) {
                    throw e;
                }
                log.warn("The change feed waits for the database: {}", e.getMessage());
                pause();
            }
        }
    }

    private void read(Task task) throws SQLException {
        try (FeedConnection connection = connections.openToListen("user-directory events")) {
            connection.jdbc().execute("listen " + CHANNEL);
            UserEvents table = events.over(connection.jdbc());
            era = table.era();
            goBackIfLost(table);
            long lookedAround = System.nanoTime() - POLL.toNanos();
            while (task.isRunning()) {
                takeAll(table, recent.end());
                long now = System.nanoTime();
                if (now - lookedAround >= POLL.toNanos()) {
                    lookedAround = now;
                    noticeEra(table, table.era());
                    takeHeldBack(table);
                }
                task.progress();
                connection.awaitNotification((int) POLL.toMillis());
            }
        }
    }

    private void takeAll(UserEvents table, Position settled) {
        long looked;
        List<UserEvent> page;
        do {
            looked = System.nanoTime();
            page = table.read(recent.end(), settled, null, PAGE);
            if (!page.isEmpty()
                    && noticeEra(table, page.getFirst().position().seen().era())) {
                return;
            }
            take(page);
            // A full page: there may be more.
        } while (page.size() == PAGE);
        upToDate = looked;
    }

    /**
     * A pooler may have moved the reader's connection to another server.
     *
     * @return whether that server may lack events that were read
     */
    private boolean noticeEra(UserEvents table, long current) {
        boolean changed = era != current;
        era = current;
        return changed && goBackIfLost(table);
    }

    /** Takes events that waited for open transactions, once none of these can add an event before them. */
    private void takeHeldBack(UserEvents table) {
        Duration age = table.ageOfNext(recent.end());
        if (age != null) {
            takeAll(table, table.settled());
            age = table.ageOfNext(recent.end());
        }
        heldBackSince = age == null ? null : System.nanoTime() - age.toNanos();
    }

    /** After a failover, the new server may lack the old one's last commits and give their numbers to other events. */
    private boolean goBackIfLost(UserEvents table) {
        RecentEvents known = recent;
        if (known.end().equals(Position.START) || table.isKept(known.end(), null)) {
            return false;
        }
        log.warn("The database may have lost events that were read; the change feed goes on from the newest it has");
        recent = new RecentEvents(properties.buffer(), table.end());
        known.abandon();
        news.tryEmitNext(true);
        return true;
    }

    private void take(List<UserEvent> page) {
        if (!page.isEmpty()) {
            recent.add(page);
            news.tryEmitNext(true);
        }
    }

    @Override
    public void stop() {
        Task stopped = reader;
        reader = null;
        if (stopped != null) {
            stopped.stop(Duration.ofSeconds(2));
        }
    }

    @Override
    public boolean isRunning() {
        return reader != null;
    }

    /** Starts early and stops late. */
    @Override
    public int getPhase() {
        return 0;
    }

    static void pause() {
        try {
            Thread.sleep(RETRY);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
