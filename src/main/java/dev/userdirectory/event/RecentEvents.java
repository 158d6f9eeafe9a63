package dev.userdirectory.event;

import dev.userdirectory.subscription.SubscriptionEnded;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Objects;
import java.util.UUID;
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

    Position end() {
        return end;
    }

    /** What follows that position. Each iteration goes on where the last one stopped. */
    Iterable<UserEvent> behind(Position position, @Nullable UUID user) {
        Follower follower = new Follower(position, user);
        return () -> follower;
    }

    private final class Follower implements Iterator<UserEvent> {
        private final @Nullable UUID user;
        private Position last;
        private @Nullable UserEvent next;

        Follower(Position position, @Nullable UUID user) {
            this.last = position;
            this.user = user;
        }

        /** @throws SubscriptionEnded if events are gone that were not looked at in time */
        @Override
        public boolean hasNext() {
            while (next == null) {
                Map.Entry<Position, UserEvent> entry = events.higherEntry(last);
                if (!covers(last)) {
                    throw new SubscriptionEnded(
                            "TOO_SLOW",
                            "This subscription fell more than " + capacity
                                    + " events behind: resume after the cursor of the last event.");
                }
                if (entry == null) {
                    return false;
                }
                last = entry.getKey();
                if (user == null || user.equals(entry.getValue().user())) {
                    next = entry.getValue();
                }
            }
            return true;
        }

        @Override
        public UserEvent next() {
            if (!hasNext()) {
                throw new NoSuchElementException();
            }
            UserEvent event = Objects.requireNonNull(next);
            next = null;
            return event;
        }
    }
}
