package dev.userdirectory.event;

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
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;
import reactor.util.retry.Retry;

/**
 * One reader for all subscribers of this instance. It takes what is new from the table into {@link RecentEvents} and
 * wakes them. A subscriber that starts before those reads the table itself until they cover where it is.
 *
 * <p>Nothing is missed in between: whatever the reader has taken is settled, so whoever reads the table later sees it.
 */
@Component
@EnableConfigurationProperties(EventProperties.class)
class UserEventFeed implements SmartLifecycle {
    static final String CHANNEL = "user_events";
    private static final Logger log = LoggerFactory.getLogger(UserEventFeed.class);
    /** What the feed promises is to look once a second; a hint makes it look earlier. */
    private static final int POLL_MILLIS = 500;

    private static final int PAGE = 500;
    private static final Duration RETRY = Duration.ofSeconds(1);

    private final UserEvents events;
    private final FeedConnections connections;
    private final EventProperties properties;
    private final Sinks.Many<Boolean> news = Sinks.many().multicast().directBestEffort();
    /** So that many who come back at once leave the pool of connections to others. Not interrupted, as JDBC is not. */
    private final ExecutorService replayThreads = Executors.newFixedThreadPool(
            4, Thread.ofPlatform().daemon().name("replay-", 0).factory());

    private final Scheduler replays = Schedulers.fromExecutor(task -> replayThreads.execute(task));
    private final Scheduler subscribers = Schedulers.fromExecutor(Thread::startVirtualThread);
    private volatile RecentEvents recent;
    private final AtomicInteger following = new AtomicInteger();
    private volatile @Nullable Thread reader;
    /** By {@link System#nanoTime}: whatever had been settled by then has been taken. */
    private volatile long upToDate;

    UserEventFeed(UserEvents events, FeedConnections connections, EventProperties properties, MeterRegistry meters) {
        this.events = events;
        this.connections = connections;
        this.properties = properties;
        this.recent = new RecentEvents(properties.buffer(), Position.START);
        Gauge.builder("directory.feed.subscribers", following, AtomicInteger::get)
                .description("Subscriptions that follow the change feed")
                .register(meters);
        TimeGauge.builder("directory.feed.lag", this, TimeUnit.NANOSECONDS, UserEventFeed::lag)
                .description("How long ago the reader was known to have taken all events that there were")
                .register(meters);
    }

    private double lag() {
        return isRunning() ? System.nanoTime() - upToDate : Double.NaN;
    }

    /**
     * The events behind that position: first those that there are, then each as it comes, without an end.
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
                    // Off the reader's thread. Few, so that who is slow is behind in memory that all share.
                    .publishOn(subscribers, 16)
                    .doFinally(signal -> following.decrementAndGet());
        });
    }

    private Flux<UserEvent> live(Follower follower) {
        Iterable<UserEvent> next = () -> follower;
        // Woken once at the start, after being signed on: for what has come in meanwhile.
        return Flux.merge(news.asFlux(), Mono.just(true)).onBackpressureLatest().concatMapIterable(wake -> next, 1);
    }

    @Override
    public boolean isAutoStartup() {
        return properties.follow();
    }

    @Override
    public void start() {
        int foreign = events.deleteIfForeign();
        if (foreign > 0) {
            log.warn("The change feed starts anew: its {} events are from another database server", foreign);
        }
        upToDate = System.nanoTime();
        recent = new RecentEvents(properties.buffer(), events.end());
        Thread started = Thread.ofPlatform().daemon().name("user-events").unstarted(this::read);
        // Before it runs, since it goes on only as long as it finds itself here.
        reader = started;
        started.start();
    }

    private void read() {
        while (isRunning()) {
            try (FeedConnection connection = connections.openToListen("user-directory events")) {
                connection.jdbc().execute("listen " + CHANNEL);
                UserEvents table = new UserEvents(connection.jdbc());
                goBackIfLost(table);
                while (isRunning()) {
                    long looked = System.nanoTime();
                    while (take(table.read(recent.end(), null, PAGE))) {
                        // A full page: there may be more.
                        looked = System.nanoTime();
                    }
                    upToDate = looked;
                    connection.awaitNotification(POLL_MILLIS);
                }
            } catch (SQLException | DataAccessException e) {
                if (isRunning()) {
                    log.warn("The change feed has lost its database and tries again: {}", e.getMessage());
                    pause();
                }
            }
        }
    }

    /**
     * A server that has taken over may lack the last transactions of the one before. It uses their numbers again, so what
     * happens there would stand before what was read.
     */
    private void goBackIfLost(UserEvents table) {
        RecentEvents known = recent;
        if (known.end().equals(Position.START) || table.isKept(known.end())) {
            return;
        }
        log.warn(
                "The database has lost the newest event of the change feed, which goes on from the newest that is left");
        recent = new RecentEvents(properties.buffer(), table.end());
        known.abandon();
        news.tryEmitNext(true);
    }

    private boolean take(List<UserEvent> page) {
        if (!page.isEmpty()) {
            recent.add(page);
            news.tryEmitNext(true);
        }
        return page.size() == PAGE;
    }

    @Override
    public void stop() {
        Thread stopped = reader;
        reader = null;
        if (stopped != null) {
            try {
                stopped.join(Duration.ofSeconds(2));
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }

    @Override
    public boolean isRunning() {
        return reader != null;
    }

    /** Among the first to start, and the last to stop. */
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
