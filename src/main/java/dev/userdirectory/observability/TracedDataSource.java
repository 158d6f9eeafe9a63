package dev.userdirectory.observability;

import io.micrometer.tracing.Span;
import io.micrometer.tracing.Tracer;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.sql.CallableStatement;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.jdbc.datasource.DelegatingDataSource;

/**
 * Creates a span for each statement of a traced request, with its SQL but never its values. Connections of other
 * requests are not wrapped.
 */
public class TracedDataSource extends DelegatingDataSource {
    private final ObjectProvider<Tracer> tracer;

    public TracedDataSource(DataSource dataSource, ObjectProvider<Tracer> tracer) {
        super(dataSource);
        this.tracer = tracer;
    }

    @Override
    public Connection getConnection() throws SQLException {
        Connection connection = super.getConnection();
        Tracer found = tracer.getObject();
        return Spans.wanted(found) ? traced(connection, found) : connection;
    }

    private static Connection traced(Connection connection, Tracer tracer) {
        return proxy(Connection.class, (proxy, method, args) -> switch (invoke(connection, method, args)) {
            case CallableStatement call -> traced(CallableStatement.class, call, tracer, sql(args));
            case PreparedStatement prepared -> traced(PreparedStatement.class, prepared, tracer, sql(args));
            case Statement statement -> traced(Statement.class, statement, tracer, "");
            case null -> null;
            case Object other -> other;
        });
    }

    private static String sql(@Nullable Object @Nullable [] args) {
        return args != null && args.length > 0 && args[0] instanceof String sql ? sql : "";
    }

    private static <T extends Statement> T traced(Class<T> type, T statement, Tracer tracer, String prepared) {
        return proxy(type, (proxy, method, args) -> {
            if (!method.getName().startsWith("execute")) {
                return invoke(statement, method, args);
            }
            String sql = prepared.isEmpty() ? sql(args) : prepared;
            Span span = tracer.nextSpan()
                    .name("sql " + sql.strip().split("\\s", 2)[0])
                    .tag("db.system.name", "postgresql")
                    .tag("db.query.text", sql)
                    .start();
            try {
                Object result = invoke(statement, method, args);
                Spans.end(span, null);
                return result;
            } catch (Throwable e) {
                if (e instanceof SQLException exception && exception.getSQLState() != null) {
                    span.tag("db.response.status_code", exception.getSQLState());
                }
                Spans.end(span, e);
                throw e;
            }
        });
    }

    private static @Nullable Object invoke(Object target, Method method, @Nullable Object @Nullable [] args)
            throws Throwable {
        try {
            return method.invoke(target, args);
        } catch (InvocationTargetException e) {
            throw e.getTargetException();
        }
    }

    private static <T> T proxy(Class<T> type, InvocationHandler handler) {
        return type.cast(
                Proxy.newProxyInstance(TracedDataSource.class.getClassLoader(), new Class<?>[] {type}, handler));
    }
}
