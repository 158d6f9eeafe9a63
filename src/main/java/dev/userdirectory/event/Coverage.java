package dev.userdirectory.event;

import dev.userdirectory.event.Position.Seen;
import java.util.Map;
import java.util.TreeMap;
import org.springframework.stereotype.Component;

/**
 * Knows which position in the write-ahead log covers all events up to a position in the feed. The first statement that
 * finds an event settled decides it for this instance. So an event has the same cursor wherever it is read, and reading
 * old events again does not make their cursors depend on later commits.
 */
@Component
class Coverage {
    /** An entry takes about 100 bytes. If an event's entry was evicted, that of a later event covers it too. */
    private static final int CAPACITY = 10_000;

    private final TreeMap<Position, Seen> entries = new TreeMap<>();

    /**
     * @param settled the position up to which a statement found the feed settled; at or after {@code position}
     * @param seen what that statement saw
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
