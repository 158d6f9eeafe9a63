package dev.userdirectory.event;

import dev.userdirectory.database.Deadline;
import dev.userdirectory.subscription.SubscriptionEnded;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.UUID;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.dao.DataAccessException;
import reactor.core.publisher.SynchronousSink;

/** One subscriber's position in the feed: first in the table, then in memory. Used by one thread at a time. */
final class Follower implements Iterator<UserEvent> {
    private static final Logger log = LoggerFactory.getLogger(Follower.class);
    private static final int PAGE = 500;

    private final UserEvents table;
    private final Supplier<RecentEvents> current;
    private final EventProperties properties;
    private final @Nullable UUID user;
    private RecentEvents recent;
    private Position last;
    private @Nullable UserEvent next;
    private long lastTaken = System.nanoTime();

    Follower(
            UserEvents table,
            Supplier<RecentEvents> current,
            EventProperties properties,
            Position after,
            @Nullable UUID user) {
        this.table = table;
        this.current = current;
        this.recent = current.get();
        this.properties = properties;
        this.last = after;
        this.user = user;
    }

    /**
     * Reads the next page of the table, or completes once the recent events in memory cover the position. If the
     * database is unavailable, emits an empty page after a pause, so that the page is read again.
     */
    void replay(SynchronousSink<List<UserEvent>> pages) {
        RecentEvents before = recent;
        recent = current.get();
        // If the feed went back, the database may have lost the last event, so the table is checked.
        if (recent == before && recent.covers(last)) {
            pages.complete();
            return;
        }
        try {
            // The reader takes only settled events, so a page that is read later contains them too.
            Position end = recent.end();
            List<UserEvent> page = Deadline.within(properties.readTimeout(), () -> readPage(end));
            if (page == null) {
                pages.error(new SubscriptionEnded("EVENTS_EXPIRED", UserEvents.EXPIRED));
                return;
            }
            Position read = page.isEmpty() ? last : page.getLast().position();
            last = page.size() < PAGE && read.compareTo(end) < 0 ? end : read;
            pages.next(page);
        } catch (DataAccessException e) {
            log.warn("Events cannot be read now: {}", e.getMessage());
            UserEventFeed.pause();
            pages.next(List.of());
        }
        lastTaken = System.nanoTime();
    }

    /** Returns null if events may be missing. */
    private @Nullable List<UserEvent> readPage(Position end) {
        List<UserEvent> page = table.read(last, end, user, PAGE);
        return last.equals(Position.START) || table.isKept(last, user) ? page : null;
    }

    /** @throws RecentEvents.Overtaken if the next event has to be read from the table */
    @Override
    public boolean hasNext() {
        while (next == null) {
            UserEvent event = recent.next(last);
            if (event == null) {
                lastTaken = System.nanoTime();
                return false;
            }
            last = event.position();
            if (user == null || user.equals(event.user())) {
                next = event;
            }
        }
        return true;
    }

    @Override
    public UserEvent next() {
        UserEvent event = next;
        if (event == null) {
            throw new NoSuchElementException();
        }
        next = null;
        return event;
    }

    /** Emits the event, or an error if the subscriber was idle for too long and the next events have left memory. */
    void take(UserEvent event, SynchronousSink<UserEvent> sink) {
        long now = System.nanoTime();
        if (now - lastTaken > properties.patience().toNanos() && !recent.covers(last)) {
            sink.error(new SubscriptionEnded(
                    "TOO_SLOW",
                    "This subscription has taken nothing for a while and is more than " + properties.buffer()
                            + " events behind: resume after the cursor of the last event."));
        } else {
            lastTaken = now;
            sink.next(event);
        }
    }
}
