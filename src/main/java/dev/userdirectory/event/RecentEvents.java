package dev.userdirectory.event;

import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentSkipListMap;
import org.jspecify.annotations.Nullable;

/**
 * The newest events, in memory, for all subscribers at once: nothing is kept for any one of them but how far it has come.
 * One thread adds events, in order; any number follow.
 */
final class RecentEvents {
    private final ConcurrentSkipListMap<Position, UserEvent> events = new ConcurrentSkipListMap<>();
    private final int capacity;
    private int size;
    /** Every event behind the start, up to the end, is here. */
    private volatile Position start;

    private volatile Position end;

    /** Thrown at whoever looks for what is here no longer. */
    static final class Overtaken extends RuntimeException {
        Overtaken() {
            super(null, null, false, false);
        }
    }

    RecentEvents(int capacity, Position start) {
        this.capacity = capacity;
        this.start = start;
        this.end = start;
    }

    void add(List<UserEvent> newer) {
        for (UserEvent event : newer) {
            events.put(event.position(), event);
            end = event.position();
            if (++size > capacity) {
                // The start moves first: who finds it unmoved after a look has missed nothing.
                start = events.firstKey();
                events.remove(start);
                size--;
            }
        }
    }

    boolean covers(Position position) {
        return start.compareTo(position) <= 0;
    }

    /** The first event behind that position, or null if there is none yet. */
    @Nullable
    UserEvent next(Position position) {
        Map.Entry<Position, UserEvent> next = events.higherEntry(position);
        if (!covers(position)) {
            throw new Overtaken();
        }
        return next == null ? null : next.getValue();
    }

    /** Whoever follows is to look again which events are recent. */
    void abandon() {
        start = new Position(Long.MAX_VALUE, Long.MAX_VALUE, Position.Seen.UNKNOWN);
    }

    Position end() {
        return end;
    }
}
