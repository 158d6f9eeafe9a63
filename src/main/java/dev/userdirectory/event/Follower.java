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

/** How far one subscriber has come: in the table first, then in what is new. It does one thing at a time. */
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

    /** Reads pages of the table until the events in memory continue from there. While the database is away it tries again. */
    void replay(SynchronousSink<List<UserEvent>> pages) {
        RecentEvents before = recent;
        recent = current.get();
        // Where the feed went back, the last event may be one that it has lost: the table is asked.
        if (recent == before && recent.covers(last)) {
            pages.complete();
            return;
        }
        try {
            // What the reader has taken is settled, so a page that is read after that has it too.
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

    /** Null if events may be missing. */
    private @Nullable List<UserEvent> readPage(Position end) {
        List<UserEvent> page = table.read(last, end, user, PAGE);
        return last.equals(Position.START) || table.isKept(last, user) ? page : null;
    }

    /** @throws RecentEvents.Overtaken if what is next has to be read from the table */
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

    /** Lets an event pass, unless the subscriber has long taken none and what is next is in memory no longer. */
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
