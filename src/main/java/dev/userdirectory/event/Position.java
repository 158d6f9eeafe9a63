package dev.userdirectory.event;

import java.util.Comparator;
import java.util.List;

/**
 * The position of an event in the feed. Positions are ordered by transaction and sequence alone.
 *
 * @param seen which commits a client may have seen once it has read the feed up to here
 */
record Position(long transaction, long sequence, Seen seen) implements Comparable<Position> {
    /** Before every event, since PostgreSQL reserves the first transaction IDs. */
    static final Position START = new Position(0, 0, Seen.UNKNOWN);

    private static final Comparator<Position> ORDER =
            Comparator.comparingLong(Position::transaction).thenComparingLong(Position::sequence);

    /**
     * @param era the ID of a row of {@code feed_eras}
     * @param wal a position in the write-ahead log, in bytes, that covers every commit seen
     */
    record Seen(long era, long wal) {
        /** In cursors from versions of the service that had no eras. */
        static final Seen UNKNOWN = new Seen(0, 0);
    }

    static Position of(List<String> cursorKeys) {
        List<Long> keys = cursorKeys.stream().map(Long::valueOf).toList();
        return new Position(
                keys.get(0), keys.get(1), keys.size() == 2 ? Seen.UNKNOWN : new Seen(keys.get(2), keys.get(3)));
    }

    boolean isAfter(Position other) {
        return compareTo(other) > 0;
    }

    @Override
    public int compareTo(Position other) {
        return ORDER.compare(this, other);
    }
}
