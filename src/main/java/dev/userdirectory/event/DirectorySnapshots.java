package dev.userdirectory.event;

import dev.userdirectory.event.Position.Seen;
import dev.userdirectory.relay.Cursors;
import java.sql.SQLException;
import java.sql.SQLTransientException;
import java.time.Duration;
import java.util.Objects;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.stereotype.Component;

/** Opens snapshots of the primary, outside the pool. */
@Component
public class DirectorySnapshots {
    /**
     * The longest snapshot in characters. It leaves room for the rest of the cursor, whose length is limited, and is
     * exceeded only if an exceptional number of transactions is open.
     */
    private static final int MAX_LENGTH = 2500;

    /**
     * How long to wait for the next rows. A slow disk may take seconds to read those of one page, but a silent network
     * must not hold the snapshot, and the slot of an export, for much longer than that.
     */
    private static final Duration PATIENCE = Duration.ofMinutes(1);

    private final FeedConnections connections;
    private final DirectoryEvents events;
    private final Cursors cursors;

    DirectorySnapshots(FeedConnections connections, DirectoryEvents events, Cursors cursors) {
        this.connections = connections;
        this.events = events;
        this.cursors = cursors;
    }

    /**
     * @param name the connection's {@code application_name} in PostgreSQL
     * @param limit the time after which PostgreSQL ends the snapshot, because snapshots hold back vacuum
     */
    public DirectorySnapshot open(String name, Duration limit) throws SQLException {
        FeedConnection connection = connections.openForSnapshot(name);
        try {
            // Before the transaction, which is read-only: a new era adds a row.
            long era = events.over(connection.jdbc()).eras().current();
            connection.beginSnapshot(limit);
            String cursor = position(connection.jdbc(), era).cursor(cursors);
            connection.patience(PATIENCE);
            return new DirectorySnapshot(connection, cursor);
        } catch (SQLException | RuntimeException e) {
            connection.abort();
            throw e;
        }
    }

    /** The position of the newest event up to which the snapshot is certain to contain every event. */
    private static Position position(JdbcTemplate jdbc, long era) {
        return Objects.requireNonNull(jdbc.queryForObject(
                "select pg_current_snapshot()::text, feed_wal(), newest.transaction, newest.sequence from (values (0)) one"
                        + " left join (select e.transaction, e.sequence from user_events e where e.transaction < "
                        + EventRows.XMIN + " order by e.transaction desc, e.sequence desc limit 1) newest on true",
                (row, number) -> {
                    String snapshot = row.getString(1);
                    if (snapshot.length() > MAX_LENGTH) {
                        throw new SQLTransientException("Too many transactions are open");
                    }
                    // Without a newest event, both are 0: the start of the feed.
                    return new Position(
                            row.getLong(3),
                            row.getLong(4),
                            new Seen(era, row.getLong(2), ExportSnapshot.parse(snapshot)));
                }));
    }
}
