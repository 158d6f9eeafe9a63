package dev.userdirectory.event;

import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentSkipListMap;
import org.jspecify.annotations.Nullable;

/**
 * The newest events, kept in memory once for all subscribers; a subscriber keeps only its own position. One thread adds
 * events, in order, while any number of threads read.
 */
final class RecentEvents {
    private final ConcurrentSkipListMap<Position, DirectoryEvent> events = new ConcurrentSkipListMap<>();
    private final int capacity;
    private final FeedEras.Known eras;
    private int size;
    /** The events in memory are all those after the start, up to the end. */
    private volatile Position start;

    private volatile Position end;

    /** The next event after the given position is no longer in memory. */
    static final class NoLongerBuffered extends RuntimeException {
        NoLongerBuffered() {
            super(null, null, false, false);
        }
    }

    /** @param eras the eras up to the one in which the events are read */
    RecentEvents(int capacity, Position start, FeedEras.Known eras) {
        this.capacity = capacity;
        this.eras = eras;
        this.start = start;
        this.end = start;
    }

    /** Returns the same events for a new era, in which the database has all of them. */
    RecentEvents in(FeedEras.Known newer) {
        RecentEvents copy = new RecentEvents(capacity, start, newer);
        copy.events.putAll(events);
        copy.size = size;
        copy.end = end;
        return copy;
    }

    void add(List<DirectoryEvent> newer) {
        for (DirectoryEvent event : newer) {
            events.put(event.position(), event);
            end = event.position();
            if (++size > capacity) {
                // Moves the start first, so that a reader that finds it unmoved after a look-up has missed nothing.
                start = events.firstKey();
                events.remove(start);
                size--;
            }
        }
    }

    boolean covers(Position position) {
        return start.compareTo(position) <= 0;
    }

    /** Whether the newest era has every commit that a follower has seen. */
    boolean haveCommits(Position.Seen seen) {
        return eras.have(seen);
    }

    /** Returns the first event after that position, or null if there is none yet. */
    @Nullable
    DirectoryEvent next(Position position) {
        Map.Entry<Position, DirectoryEvent> next = events.higherEntry(position);
        if (!covers(position)) {
            throw new NoLongerBuffered();
        }
        return next == null ? null : next.getValue();
    }

    /** Makes every follower switch to the object that has replaced this one. */
    void invalidate() {
        start = new Position(Long.MAX_VALUE, Long.MAX_VALUE, Position.Seen.UNKNOWN);
    }

    Position end() {
        return end;
    }
}
