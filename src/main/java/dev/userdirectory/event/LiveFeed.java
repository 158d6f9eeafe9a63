package dev.userdirectory.event;

import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.stereotype.Component;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Sinks;

/**
 * The newest events for the followers of this instance, in the current era of the database. A {@link FeedReader} adds
 * events and looks for new eras, on one thread.
 */
@Component
@EnableConfigurationProperties(EventProperties.class)
class LiveFeed {
    private static final Logger log = LoggerFactory.getLogger(LiveFeed.class);

    private final RestoredFeed restored;
    private final int capacity;
    private final Sinks.Many<Boolean> news = Sinks.many().multicast().directBestEffort();
    private volatile RecentEvents recent;
    private volatile long era;

    LiveFeed(EventProperties properties, RestoredFeed restored) {
        this.restored = restored;
        this.capacity = properties.buffer();
        this.recent = new RecentEvents(capacity, Position.START, FeedEras.Known.NONE);
    }

    /**
     * The recent events of the current era. In a new era, the database may lack events that followers have seen, so
     * another object replaces the returned one.
     */
    RecentEvents recent() {
        return recent;
    }

    /** The ID of the era in which the reader last found the database. */
    long era() {
        return era;
    }

    /** Emits after each change of the recent events, except to subscribers that are still busy with the last one. */
    Flux<Boolean> news() {
        return news.asFlux();
    }

    /** Begins after the newest event. */
    void begin(DirectoryEvents table) {
        restored.deleteIfForeign();
        era = table.eras().current();
        recent = new RecentEvents(capacity, table.end(), table.eras().known());
    }

    void add(List<DirectoryEvent> newer) {
        recent.add(newer);
        news.tryEmitNext(true);
    }

    /** Must be called for each new connection, since it may lead to another server or to other data. */
    void check(DirectoryEvents table) {
        if (!noticeEra(table, table.eras().current()) && !hasKeptEnd(table)) {
            startAnew(table);
        }
    }

    /**
     * After a failover or a restore, the server may lack the last commits and give their numbers to other events.
     * Followers may have seen more than this instance has read, if they began with an export or at another instance. So
     * every follower checks its own position in each new era.
     *
     * @param found the ID of the era in which the server is, or was a moment ago
     * @return whether a new era has begun
     */
    boolean noticeEra(DirectoryEvents table, long found) {
        if (era == found) {
            return false;
        }
        // If the events were restored into another server, their numbers may be in that server's future. This call then
        // begins yet another era.
        restored.deleteIfForeign();
        long current = table.eras().current();
        boolean kept = hasKeptEnd(table);
        if (!kept) {
            table.eras().markLossy(current);
        }
        if (kept && !recent.end().isStart()) {
            log.warn("The database was restarted or replaced and has every event; the change feed continues");
            replace(recent.in(table.eras().known()));
        } else {
            startAnew(table);
        }
        era = current;
        return true;
    }

    private boolean hasKeptEnd(DirectoryEvents table) {
        Position end = recent.end();
        return end.equals(Position.START) || table.isKept(end, EventFilter.ALL);
    }

    private void startAnew(DirectoryEvents table) {
        log.warn("The database was restored or replaced; the change feed continues after its newest event");
        replace(new RecentEvents(capacity, table.end(), table.eras().known()));
    }

    private void replace(RecentEvents next) {
        RecentEvents known = recent;
        recent = next;
        known.invalidate();
        news.tryEmitNext(true);
    }
}
