package dev.userdirectory.event;

import org.springframework.jdbc.core.JdbcTemplate;

/** One snapshot of the directory, on a connection of its own, and the cursor of the feed at that snapshot. */
public final class DirectorySnapshot implements AutoCloseable {
    private final FeedConnection connection;
    private final String cursor;

    DirectorySnapshot(FeedConnection connection, String cursor) {
        this.connection = connection;
        this.cursor = cursor;
    }

    public JdbcTemplate jdbc() {
        return connection.jdbc();
    }

    /** A client that follows the feed after this cursor gets exactly the events that the snapshot does not contain. */
    public String cursor() {
        return cursor;
    }

    /** Returns at once, even if another thread is reading. */
    @Override
    public void close() {
        connection.abort();
    }
}
