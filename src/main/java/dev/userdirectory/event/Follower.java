package dev.userdirectory.event;

import dev.userdirectory.database.Pause;
import dev.userdirectory.database.TimeLimit;
import dev.userdirectory.error.ErrorCode;
import dev.userdirectory.subscription.SubscriptionEnded;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.dao.DataAccessException;
import reactor.core.publisher.SynchronousSink;

/** One subscriber's position in the feed: first in the table, then in memory. Used by one thread at a time. */
final class Follower implements Iterator<DirectoryEvent> {
    private static final Logger log = LoggerFactory.getLogger(Follower.class);
    /** Few, because each follower that catches up has a page of its own in memory, until the last event is sent. */
    private static final int PAGE = 50;

    private final DirectoryEvents table;
    private final Supplier<RecentEvents> current;
    private final EventProperties properties;
    private final EventFilter filter;
    private final String account;
    private final Position.Seen seenBefore;
    private RecentEvents recent;
    private Position last;
    private @Nullable DirectoryEvent next;
    private long lastTaken = System.nanoTime();

    /**
     * @param checked the recent events, taken before checking that the table has everything that the subscriber has
     *     seen
     */
    Follower(
            DirectoryEvents table,
            String account,
            Supplier<RecentEvents> current,
            EventProperties properties,
            Position after,
            EventFilter filter,
            RecentEvents checked) {
        this.table = table;
        this.current = current;
        this.recent = checked;
        this.properties = properties;
        this.last = after;
        this.filter = filter;
        this.account = account;
        this.seenBefore = after.seen();
    }

    /**
     * Reads the next page of the table, or completes once the recent events in memory cover the position. If the
     * database is unavailable, emits an empty page after a pause, so that the page is read again.
     */
    void replay(SynchronousSink<List<DirectoryEvent>> pages) {
        RecentEvents now = current.get();
        // In a new era, the database may have lost commits that the subscriber has seen.
        if (now.covers(last) && (now == recent || now.haveCommits(last.seen()))) {
            recent = now;
            pages.complete();
            return;
        }
        try {
            // The reader takes only settled events, so a page that is read later contains them, too.
            Position end = now.end();
            List<DirectoryEvent> page = TimeLimit.run(properties.readTimeout(), account, () -> readPage(end));
            if (page == null) {
                pages.error(EventsExpired.ended());
                return;
            }
            // Not earlier: if the read fails, the era has not been checked yet.
            recent = now;
            Position read = page.isEmpty() ? last : page.getLast().position();
            last = (page.size() < PAGE && read.compareTo(end) < 0 ? end : read).having(seenBefore);
            pages.next(page.stream()
                    .filter(this::selects)
                    .map(event -> event.having(seenBefore))
                    .toList());
        } catch (DataAccessException e) {
            log.warn("Reading missed events failed, and will be tried again: {}", e.getMessage());
            Pause.beforeRetry();
            pages.next(List.of());
        }
        lastTaken = System.nanoTime();
    }

    /** Reads a bounded part of the feed, however few of its events match. Returns null if events may be missing. */
    private @Nullable List<DirectoryEvent> readPage(Position end) {
        List<DirectoryEvent> page = table.read(last, end, filter.indexed(), PAGE);
        return last.equals(Position.START) || table.isKept(last, filter) ? page : null;
    }

    private boolean selects(DirectoryEvent event) {
        ExportSnapshot export = seenBefore.export();
        return filter.matches(event) && (export == null || !export.contains(event));
    }

    /** @throws RecentEvents.NoLongerBuffered if the next event has to be read from the table */
    @Override
    public boolean hasNext() {
        while (next == null) {
            DirectoryEvent event = recent.next(last);
            if (event == null) {
                lastTaken = System.nanoTime();
                return false;
            }
            last = event.position().having(seenBefore);
            if (selects(event)) {
                next = event.having(seenBefore);
            }
        }
        return true;
    }

    @Override
    public DirectoryEvent next() {
        DirectoryEvent event = next;
        if (event == null) {
            throw new NoSuchElementException();
        }
        next = null;
        return event;
    }

    /** Emits the event, or an error if the subscriber was idle for too long and the next events have left memory. */
    void take(DirectoryEvent event, SynchronousSink<DirectoryEvent> sink) {
        long now = System.nanoTime();
        if (now - lastTaken > properties.patience().toNanos() && !recent.covers(last)) {
            sink.error(new SubscriptionEnded(
                    ErrorCode.TOO_SLOW,
                    "This subscription has taken nothing for a while and is more than " + properties.buffer()
                            + " events behind: resume after the cursor of the last event."));
        } else {
            lastTaken = now;
            sink.next(event);
        }
    }
}
