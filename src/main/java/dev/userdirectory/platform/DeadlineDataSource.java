package dev.userdirectory.platform;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.SQLException;
import javax.sql.DataSource;
import org.springframework.jdbc.datasource.DelegatingDataSource;

/** Tells the {@link Deadline} of the current thread which connections work for it, and begins nothing after it. */
class DeadlineDataSource extends DelegatingDataSource {
    DeadlineDataSource(DataSource dataSource) {
        super(dataSource);
    }

    @Override
    public Connection getConnection() throws SQLException {
        Deadline deadline = Deadline.current();
        if (deadline == null) {
            return super.getConnection();
        }
        deadline.check();
        Connection connection = super.getConnection();
        deadline.opened(connection);
        return watched(connection, deadline);
    }

    private static Connection watched(Connection connection, Deadline deadline) {
        return (Connection) Proxy.newProxyInstance(
                DeadlineDataSource.class.getClassLoader(), new Class<?>[] {Connection.class}, (proxy, method, args) -> {
                    switch (method.getName()) {
                        case "createStatement", "prepareStatement", "prepareCall" -> deadline.check();
                        case "close" -> {
                            if (deadline.closed(connection)) {
                                discard(connection);
                            }
                        }
                        default -> {}
                    }
                    try {
                        return method.invoke(connection, args);
                    } catch (InvocationTargetException e) {
                        throw e.getTargetException();
                    }
                });
    }

    private static void discard(Connection connection) throws SQLException {
        connection.abort(Runnable::run);
        try {
            connection.rollback();
        } catch (SQLException e) {
            // By which the pool sees that it is of no use any more.
        }
    }
}
