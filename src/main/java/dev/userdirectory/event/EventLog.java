package dev.userdirectory.event;

import dev.userdirectory.input.BadUserInput;
import dev.userdirectory.relay.Cursors;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.stereotype.Component;

/** The feed for background work that keeps a cursor in the database, and reads on from there. */
@Component
public class EventLog {
    private final FeedConnections connections;
    private final DirectoryEvents events;
    private final LiveFeed live;
    private final EventProperties properties;
    private final Cursors cursors;

    EventLog(
            FeedConnections connections,
            DirectoryEvents events,
            LiveFeed live,
            EventProperties properties,
            Cursors cursors) {
        this.connections = connections;
        this.events = events;
        this.live = live;
        this.properties = properties;
        this.cursors = cursors;
    }

    /** Whether this instance follows the feed: AWS Lambda, where nothing outlives a request, does not. */
    public boolean isFollowed() {
        return properties.follow();
    }

    /** @param name the connection's {@code application_name} in PostgreSQL */
    public Session open(String name) throws SQLException {
        return new Session(connections.openToListen(name));
    }

    /** Returns once there may be new events, or after that time. */
    public void await(Duration time) {
        live.news().take(time).blockFirst();
    }

    /** What comes after a cursor. */
    public sealed interface Found {
        /** @param events the oldest first, as far as this instance's reader has come */
        record Events(List<DirectoryEvent> events) implements Found {}

        /** Some events may be missing, or the cursor is not valid. */
        record Gap() implements Found {}

        /** A new era has begun, and this instance's reader has not checked yet whether it lacks anything. */
        record Unchecked() implements Found {}
    }

    /**
     * What a page depends on, as long as the server runs.
     *
     * @param end how far the reader has come
     */
    private record Question(String cursor, Position end, long era) {}

    /** One connection to PostgreSQL, which may also hold locks. */
    public final class Session implements AutoCloseable {
        private final FeedConnection connection;
        private final DirectoryEvents table;
        /** The last question to which there was no event as an answer. */
        private @Nullable Question unanswered;

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
            return (end.equals(Position.START) ? table.eras().start() : end).cursor(cursors);
        }

        /** The ID of the server's current era. */
        public long era() {
            return table.eras().current();
        }

        /** The number of the newest era that lacks events which some instance had read before; 0 if there is none. */
        public long newestLossyEra() {
            return table.eras().newestLossy();
        }

        /**
         * Looks for the events after a cursor. After a failover or restore, some may be missing, since it would undo a
         * cursor in the database together with its events.
         */
        public Found read(String cursor, int limit) {
            Question question = new Question(cursor, live.recent().end(), live.era());
            if (question.equals(unanswered)) {
                return new Found.Events(List.of());
            }
            Position after;
            try {
                after = Position.of(cursor, cursors);
            } catch (BadUserInput e) {
                return new Found.Gap();
            }
            List<DirectoryEvent> page = table.read(after, question.end, EventFilter.ALL, limit);
            if (table.eras().current() != live.era()) {
                return new Found.Unchecked();
            }
            if (!table.isKept(after) || !table.eras().haveStayed(after.seen().era())) {
                return new Found.Gap();
            }
            List<DirectoryEvent> settled = page.stream()
                    .takeWhile(event -> event.position().compareTo(question.end) <= 0)
                    .toList();
            unanswered = settled.isEmpty() ? question : null;
            return new Found.Events(settled);
        }

        @Override
        public void close() throws SQLException {
            connection.close();
        }
    }
}
