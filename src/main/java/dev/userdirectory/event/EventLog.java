package dev.userdirectory.event;

import dev.userdirectory.input.BadUserInput;
import dev.userdirectory.relay.Cursors;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.stereotype.Component;

/** The feed for background work that stores its cursor in the database and resumes from there. */
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

    /** Whether this instance follows the feed. On AWS Lambda it does not, because nothing outlives a request there. */
    public boolean isFollowed() {
        return properties.follow();
    }

    /** @param name the connection's {@code application_name} in PostgreSQL */
    public Session open(String name) throws SQLException {
        return new Session(connections.openToLock(name));
    }

    /** Returns as soon as there may be new events, or after that time. */
    public void await(Duration time) {
        live.news().take(time).blockFirst();
    }

    /** The result of looking for events after a cursor. */
    public sealed interface Found {
        /** @param events the events, oldest first, up to the position that this instance's reader has reached */
        record Events(List<DirectoryEvent> events) implements Found {}

        /** Some events may be missing, or the cursor is not valid. */
        record Gap() implements Found {}

        /** A new era has begun, and this instance's reader has not checked yet whether it lacks anything. */
        record Unchecked() implements Found {}
    }

    /**
     * Everything that the events after a cursor depend on while the server keeps running.
     *
     * @param end the position that the reader has reached
     */
    private record Question(String cursor, Position end, long era) {}

    /** One connection to PostgreSQL, which may also hold locks. */
    public final class Session implements AutoCloseable {
        private final FeedConnection connection;
        private final DirectoryEvents table;
        /** The last question that found no events: asking it again would find none either. */
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

        /** A cursor that comes before every event that is committed from now on. */
        public String end() {
            return table.eras().startIfNone(table.end()).cursor(cursors);
        }

        /**
         * The cursor from which to continue after a gap. It is at the same position as long as all events after it are
         * kept, otherwise at {@link #end}.
         */
        public String afterGap(String cursor) {
            try {
                Position before = Position.of(cursor, cursors);
                Position same = new Position(
                        before.transaction(),
                        before.sequence(),
                        table.eras().start().seen());
                if (same.compareTo(table.end()) <= 0 && table.isKept(same)) {
                    return same.cursor(cursors);
                }
            } catch (BadUserInput e) {
                // An administrator may have set any text.
            }
            return end();
        }

        /** The ID of the server's current era. */
        public long era() {
            return table.eras().current();
        }

        /** The number of the newest era that lacks events that some instance had read before; 0 if there is none. */
        public long newestLossyEra() {
            return table.eras().newestLossy();
        }

        /**
         * Looks for the events after a cursor. Reports a gap if the server, its timeline or the table has changed
         * since: a failover or restore undoes a cursor in the database along with the events that were read, so the
         * cursor cannot reveal whether events are missing.
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
            if (!table.isKept(after)
                    || !table.eras().isUnchangedSince(after.seen().era())) {
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
