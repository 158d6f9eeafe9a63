package dev.userdirectory.event;

import dev.userdirectory.event.Position.Seen;
import java.util.Map;
import java.util.TreeMap;
import org.springframework.stereotype.Component;

/**
 * Maps positions in the feed to positions in the write-ahead log that cover all events up to there. The first statement
 * that finds an event settled determines the event's log position for this instance. So the event has the same cursor
 * wherever this instance reads it, and reading old events again does not make their cursors depend on later commits.
 */
@Component
class Coverage {
    /**
     * An entry takes about 100 bytes. If an event's entry has been evicted, the entry of a later event covers it, too.
     */
    private static final int CAPACITY = 10_000;

    private final TreeMap<Position, Seen> entries = new TreeMap<>();

    /**
     * @param settled the position up to which a statement found the feed settled; at or after {@code position}
     * @param seen the commits that this statement saw
     */
    synchronized Seen of(Position position, Position settled, Seen seen) {
        Map.Entry<Position, Seen> known = entries.ceilingEntry(position);
        if (known != null && known.getValue().era() == seen.era()) {
            return known.getValue();
        }
        if (!entries.isEmpty() && entries.lastEntry().getValue().era() != seen.era()) {
            entries.clear();
        }
        entries.put(settled, seen);
        if (entries.size() > CAPACITY) {
            entries.pollFirstEntry();
        }
        return seen;
    }
}
