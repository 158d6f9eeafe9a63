package dev.userdirectory.platform;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import javax.sql.DataSource;
import org.springframework.jdbc.datasource.DelegatingDataSource;

/** Tells the {@link Deadline} of the current thread which statements run for it, and begins none after it. */
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
        List<Statement> statements = new ArrayList<>();
        return (Connection) Proxy.newProxyInstance(
                DeadlineDataSource.class.getClassLoader(), new Class<?>[] {Connection.class}, (proxy, method, args) -> {
                    switch (method.getName()) {
                        case "createStatement", "prepareStatement", "prepareCall" -> deadline.check();
                        case "close" -> deadline.closed(connection, statements);
                        default -> {}
                    }
                    Object result;
                    try {
                        result = method.invoke(connection, args);
                    } catch (InvocationTargetException e) {
                        throw e.getTargetException();
                    }
                    if (result instanceof Statement statement) {
                        statements.add(statement);
                        deadline.prepared(statement);
                    }
                    return result;
                });
    }
}
