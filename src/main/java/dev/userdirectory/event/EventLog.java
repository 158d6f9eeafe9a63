package dev.userdirectory.event;

import dev.userdirectory.input.BadUserInput;
import dev.userdirectory.relay.Cursors;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.stereotype.Component;

/** The feed for background work that keeps a cursor in the database, and reads on from there. */
@Component
public class EventLog {
    private final FeedConnections connections;
    private final DirectoryEvents events;
    private final FeedReader reader;
    private final Cursors cursors;

    EventLog(FeedConnections connections, DirectoryEvents events, FeedReader reader, Cursors cursors) {
        this.connections = connections;
        this.events = events;
        this.reader = reader;
        this.cursors = cursors;
    }

    /** Whether this instance follows the feed: AWS Lambda, where nothing outlives a request, does not. */
    public boolean isFollowed() {
        return reader.isAutoStartup();
    }

    /** @param name the connection's {@code application_name} in PostgreSQL */
    public Session open(String name) throws SQLException {
        return new Session(connections.openToListen(name));
    }

    /** Returns once there may be new events, or after that time. */
    public void await(Duration time) {
        reader.news().take(time).blockFirst();
    }

    /** One connection to PostgreSQL, which may also hold locks. */
    public final class Session implements AutoCloseable {
        private final FeedConnection connection;
        private final DirectoryEvents table;

        private Session(FeedConnection connection) {
            this.connection = connection;
            this.table = events.over(connection.jdbc());
        }

        public JdbcTemplate jdbc() {
            return connection.jdbc();
        }

        public String cursor(DirectoryEvent event) {
            return event.position().cursor(cursors);
        }

        /** A cursor after which all events come that are committed from now on. */
        public String end() {
            Position end = table.end();
            return (end.equals(Position.START) ? table.start() : end).cursor(cursors);
        }

        /** The ID of the server's current era. */
        public long era() {
            return table.era();
        }

        /**
         * The events after a cursor, the oldest first, as far as this instance's reader has come; empty if some may be
         * missing, or the cursor is not valid. So it is after a failover or restore, which would undo a cursor in the
         * database together with its events. Without a new timeline, only the reader knows of it, as it has read more.
         */
        public Optional<List<DirectoryEvent>> read(String cursor, int limit) {
            Position after;
            try {
                after = Position.of(cursor, cursors);
            } catch (BadUserInput e) {
                return Optional.empty();
            }
            Position end = reader.recent().end();
            List<DirectoryEvent> page = table.read(after, end, EventFilter.ALL, limit);
            if (table.era() != reader.era()) {
                // The reader has not checked yet whether this era lacks anything.
                return Optional.of(List.of());
            }
            return table.isKept(after) && table.hasStayed(after.seen().era(), reader.lossyEras())
                    ? Optional.of(page.stream()
                            .takeWhile(event -> event.position().compareTo(end) <= 0)
                            .toList())
                    : Optional.empty();
        }

        @Override
        public void close() throws SQLException {
            connection.close();
        }
    }
}
