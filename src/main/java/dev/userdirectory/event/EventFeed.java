package dev.userdirectory.event;

import dev.userdirectory.database.Deadline;
import dev.userdirectory.event.RecentEvents.NoLongerBuffered;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.springframework.stereotype.Component;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;
import reactor.util.retry.Retry;

/**
 * Serves the subscribers of this instance. One {@link FeedReader} takes new events from the table and wakes the
 * subscribers. A subscriber that resumes further back reads the table itself until it has caught up.
 *
 * <p>A subscriber misses no event when it switches to the events in memory: the reader takes only settled events, so a
 * subscriber that reads the table later sees them, too.
 */
@Component
class EventFeed {
    private final DirectoryEvents events;
    private final LiveFeed live;
    private final EventProperties properties;
    private final ReplayThreads replays = ReplayThreads.start();
    private final Scheduler subscribers = Schedulers.fromExecutor(Thread::startVirtualThread);
    private final AtomicInteger following = new AtomicInteger();

    EventFeed(DirectoryEvents events, LiveFeed live, EventProperties properties, MeterRegistry meters) {
        this.events = events;
        this.live = live;
        this.properties = properties;
        Gauge.builder("directory.feed.subscribers", following, AtomicInteger::get)
                .description("Subscriptions that follow the change feed")
                .register(meters);
    }

    /**
     * Must be called before a position is read or checked, so that an era that begins after the check is not missed.
     */
    RecentEvents recent() {
        return live.recent();
    }

    /**
     * The events after that position: first the existing ones, then each new one. Never completes.
     *
     * @param checked the result of {@link #recent()} from before the position was read or checked
     */
    Flux<DirectoryEvent> follow(Position after, EventFilter filter, RecentEvents checked) {
        String account = Deadline.currentAccount();
        return Flux.defer(() -> {
            Follower follower = new Follower(events, account, live::recent, properties, after, filter, checked);
            following.incrementAndGet();
            return Flux.<List<DirectoryEvent>>generate(follower::replay)
                    // Each page is a separate task, so that other subscribers get their turn in between.
                    .next()
                    .subscribeOn(Schedulers.fromExecutor(replays.of(account)))
                    .repeatWhen(pages -> pages.takeWhile(read -> read > 0))
                    .concatMapIterable(page -> page, 1)
                    .concatWith(live(follower))
                    .retryWhen(Retry.indefinitely().filter(NoLongerBuffered.class::isInstance))
                    .handle(follower::take)
                    // Leaves the reader's thread. The buffer is small, so that a backlog stays in the memory that all
                    // subscribers share.
                    .publishOn(subscribers, 16)
                    .doFinally(signal -> following.decrementAndGet());
        });
    }

    private Flux<DirectoryEvent> live(Follower follower) {
        Iterable<DirectoryEvent> next = () -> follower;
        // One wake-up after subscribing to the news, for events that arrived in between.
        return Flux.merge(live.news(), Mono.just(true)).onBackpressureLatest().concatMapIterable(wake -> next, 1);
    }
}
