package dev.userdirectory.event;

import dev.userdirectory.relay.Cursors;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The position of an event in the feed. Positions are ordered by transaction and sequence alone.
 *
 * @param seen the commits that a client may have seen once it has read the feed up to here
 */
record Position(long transaction, long sequence, Seen seen) implements Comparable<Position> {
    /** Before every event, since PostgreSQL reserves the first transaction IDs. */
    static final Position START = new Position(0, 0, Seen.UNKNOWN);

    private static final Comparator<Position> ORDER =
            Comparator.comparingLong(Position::transaction).thenComparingLong(Position::sequence);

    /**
     * @param era the ID of a row of {@code feed_eras}
     * @param wal a position in the write-ahead log, in bytes, that covers every commit seen
     * @param export the export that the client began with, which may contain some of the events after this position;
     *     null if that no longer matters
     */
    record Seen(long era, long wal, @Nullable ExportSnapshot export) {
        /** Stands in cursors that were issued before the service had eras. */
        static final Seen UNKNOWN = new Seen(0, 0);

        Seen(long era, long wal) {
            this(era, wal, null);
        }
    }

    static Position of(List<String> cursorKeys) {
        List<Long> keys = cursorKeys.stream().limit(4).map(Long::valueOf).toList();
        ExportSnapshot export = cursorKeys.size() > 4 ? ExportSnapshot.parse(cursorKeys.get(4)) : null;
        return new Position(
                keys.get(0), keys.get(1), keys.size() == 2 ? Seen.UNKNOWN : new Seen(keys.get(2), keys.get(3), export));
    }

    static Position of(String cursor, Cursors cursors) {
        return of(cursors.decode("after", DirectoryEvents.ORDER.name(), cursor));
    }

    /** The keys of the event in {@link DirectoryEvents#ORDER}. */
    List<String> keys() {
        return List.of(Long.toString(transaction), Long.toString(sequence));
    }

    String cursor(Cursors cursors) {
        return seen.export == null
                ? cursors.encode(DirectoryEvents.ORDER.name(), transaction, sequence, seen.era, seen.wal)
                : cursors.encode(
                        DirectoryEvents.ORDER.name(), transaction, sequence, seen.era, seen.wal, seen.export.text());
    }

    /**
     * The same position for a client that had already seen {@code before}. An export matters until the position is past
     * all of its commits.
     */
    Position having(Seen before) {
        if (before.export == null || transaction >= before.export.end()) {
            return this;
        }
        long wal = seen.era == before.era ? Math.max(seen.wal, before.wal) : seen.wal;
        return new Position(transaction, sequence, new Seen(seen.era, wal, before.export));
    }

    /** Whether no event is before this position. */
    boolean isStart() {
        return compareTo(START) == 0;
    }

    @Override
    public int compareTo(Position other) {
        return ORDER.compare(this, other);
    }
}
