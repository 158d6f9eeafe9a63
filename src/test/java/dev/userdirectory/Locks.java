package dev.userdirectory;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;

/** Locks a table of the tests' PostgreSQL, so that all other statements on it wait. */
public final class Locks implements AutoCloseable {
    private final Connection connection;

    private Locks(Connection connection) {
        this.connection = connection;
    }

    public static Locks holding(String table) throws SQLException {
        return holding(table, TestPostgres.connect());
    }

    /** @param connection is closed with the lock */
    public static Locks holding(String table, Connection connection) throws SQLException {
        connection.setAutoCommit(false);
        try (Statement statement = connection.createStatement()) {
            statement.execute("lock table " + table + " in access exclusive mode");
        }
        return new Locks(connection);
    }

    /** Returns once a statement waits for the table. */
    public void awaitWaiting() {
        Waiting.until(() -> {
            try (Statement statement = connection.createStatement();
                    ResultSet waiting = statement.executeQuery("select exists (select from pg_stat_activity"
                            + " where pg_backend_pid() = any(pg_blocking_pids(pid)))")) {
                waiting.next();
                return waiting.getBoolean(1);
            }
        });
    }

    @Override
    public void close() throws SQLException {
        try (connection) {
            connection.rollback();
        }
    }
}
