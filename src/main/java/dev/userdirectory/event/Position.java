package dev.userdirectory.event;

import java.util.Comparator;
import java.util.List;

/** Where an event stands in the feed. */
record Position(long transaction, long sequence) implements Comparable<Position> {
    /** Before every event: PostgreSQL's first transactions are its own. */
    static final Position START = new Position(0, 0);

    private static final Comparator<Position> ORDER =
            Comparator.comparingLong(Position::transaction).thenComparingLong(Position::sequence);

    static Position of(List<String> cursorKeys) {
        return new Position(Long.parseLong(cursorKeys.get(0)), Long.parseLong(cursorKeys.get(1)));
    }

    @Override
    public int compareTo(Position other) {
        return ORDER.compare(this, other);
    }
}
