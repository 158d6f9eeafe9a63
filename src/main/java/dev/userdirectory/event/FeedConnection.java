package dev.userdirectory.event;

import java.sql.Connection;
import java.sql.SQLException;
import org.postgresql.PGConnection;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.jdbc.datasource.SingleConnectionDataSource;

/** A connection outside the pool; see {@link FeedConnections}. */
final class FeedConnection implements AutoCloseable {
    private final Connection connection;
    private final JdbcTemplate jdbc;

    FeedConnection(Connection connection) {
        this.connection = connection;
        this.jdbc = new JdbcTemplate(new SingleConnectionDataSource(connection, true));
    }

    JdbcTemplate jdbc() {
        return jdbc;
    }

    /** Returns as soon as a notification arrives, or after the given time. */
    void awaitNotification(int millis) throws SQLException {
        connection.unwrap(PGConnection.class).getNotifications(millis);
    }

    @Override
    public void close() throws SQLException {
        connection.close();
    }
}
