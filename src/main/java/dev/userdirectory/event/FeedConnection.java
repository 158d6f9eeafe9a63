package dev.userdirectory.event;

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.Properties;
import org.postgresql.PGConnection;
import org.springframework.boot.jdbc.autoconfigure.JdbcConnectionDetails;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.jdbc.datasource.SingleConnectionDataSource;

/** A connection beside the pool, for what goes on in the background all the time, and must not wait for requests. */
final class FeedConnection implements AutoCloseable {
    private final Connection connection;
    private final JdbcTemplate jdbc;

    private FeedConnection(Connection connection) {
        this.connection = connection;
        this.jdbc = new JdbcTemplate(new SingleConnectionDataSource(connection, true));
    }

    static FeedConnection open(JdbcConnectionDetails details, String name) throws SQLException {
        return open(details.getJdbcUrl(), details, name);
    }

    /** Elsewhere than at the URL of the details. */
    static FeedConnection open(String url, JdbcConnectionDetails details, String name) throws SQLException {
        Properties properties = new Properties();
        if (details.getUsername() != null) {
            properties.setProperty("user", details.getUsername());
        }
        if (details.getPassword() != null) {
            properties.setProperty("password", details.getPassword());
        }
        properties.setProperty("ApplicationName", name);
        // A server that is gone without a word is noticed, too.
        properties.setProperty("connectTimeout", "5");
        properties.setProperty("socketTimeout", "10");
        return new FeedConnection(DriverManager.getConnection(url, properties));
    }

    JdbcTemplate jdbc() {
        return jdbc;
    }

    /** Comes back as soon as there is a notification, or when the time is over. */
    void awaitNotification(int millis) throws SQLException {
        connection.unwrap(PGConnection.class).getNotifications(millis);
    }

    @Override
    public void close() throws SQLException {
        connection.close();
    }
}
