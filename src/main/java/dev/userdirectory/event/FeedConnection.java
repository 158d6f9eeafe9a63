package dev.userdirectory.event;

import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.function.Supplier;
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

    /**
     * Runs work in a transaction whose commit does not wait for a synchronous standby: a failover that undoes it does no
     * harm. While the standby is stalled, each commit that waits would keep a backend of PostgreSQL. After an exception,
     * the connection must be closed.
     */
    <T> T commitLocally(Supplier<T> work) throws SQLException {
        connection.setAutoCommit(false);
        // Not for the session: a pooler may hand it to other clients.
        jdbc.execute("set local synchronous_commit = local");
        T result = work.get();
        connection.commit();
        connection.setAutoCommit(true);
        return result;
    }

    /**
     * Begins a transaction in which all statements see the same snapshot.
     *
     * @param limit the time after which PostgreSQL ends the transaction, even if the service hangs
     */
    void beginSnapshot(Duration limit) throws SQLException {
        connection.setAutoCommit(false);
        // Not through JDBC, which would set it for the session: a pooler may hand the session to other clients.
        jdbc.execute("set transaction isolation level repeatable read, read only");
        jdbc.execute("set local statement_timeout = 0");
        jdbc.execute("set local idle_in_transaction_session_timeout = 0");
        jdbc.execute("set local transaction_timeout = " + limit.toMillis());
    }

    /** @param patience how long PostgreSQL may take from now on to respond, or to return the next rows */
    void patience(Duration patience) throws SQLException {
        connection.setNetworkTimeout(Runnable::run, (int) patience.toMillis());
    }

    /** Closes the connection at once, even if another thread is using it. */
    void abort() {
        try {
            connection.abort(Runnable::run);
        } catch (SQLException e) {
            // already closed
        }
    }

    @Override
    public void close() throws SQLException {
        connection.close();
    }
}
