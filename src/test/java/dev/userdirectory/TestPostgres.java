package dev.userdirectory;

import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.sql.Array;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import javax.sql.DataSource;
import net.ttddyy.dsproxy.QueryInfo;
import net.ttddyy.dsproxy.support.ProxyDataSourceBuilder;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.beans.factory.config.BeanDefinition;
import org.springframework.beans.factory.config.BeanPostProcessor;
import org.springframework.boot.jdbc.autoconfigure.JdbcConnectionDetails;
import org.springframework.boot.test.context.TestConfiguration;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Role;
import org.testcontainers.DockerClientFactory;
import org.testcontainers.postgresql.PostgreSQLContainer;

/**
 * The PostgreSQL 18 of the tests: Testcontainers if there is a Docker engine, and embedded binaries otherwise.
 * {@code -Ddirectory.test.postgres=testcontainers} or {@code =embedded} forces either.
 */
@TestConfiguration(proxyBeanMethods = false)
public class TestPostgres {
    private static final Logger log = LoggerFactory.getLogger(TestPostgres.class);
    private static final String IMAGE = "postgres:18-alpine";
    /** Part of the statement that checks whether a cached response is current. Concurrent requests share it. */
    private static final String STATE = "pg_current_snapshot()::text";

    /** Part of the statement that counts waiting commits before the first write of an instance, but of no other write. */
    private static final String WAITING = "wait_event = 'SyncRep'";

    private static final String CHOICE = System.getProperty("directory.test.postgres", "auto");

    /** One server for all application contexts of a test run; it ends with the JVM. */
    private static class Running {
        static final JdbcConnectionDetails SERVER = start();
    }

    @Bean
    public JdbcConnectionDetails jdbcConnectionDetails() {
        return Running.SERVER;
    }

    @Bean
    @Role(BeanDefinition.ROLE_INFRASTRUCTURE) // created before the post-processors
    static Statements statements() {
        return new Statements();
    }

    /** Routes every statement of the service through the recorder. */
    @Bean
    static BeanPostProcessor recordStatements(Statements statements) {
        return new BeanPostProcessor() {
            @Override
            public Object postProcessAfterInitialization(Object bean, String name) {
                return bean instanceof DataSource dataSource
                        ? ProxyDataSourceBuilder.create(dataSource)
                                .afterQuery((execution, queries) -> queries.stream()
                                        .filter(query -> !query.getQuery().contains(STATE)
                                                && !query.getQuery().contains(WAITING))
                                        .forEach(query -> statements.executed.add(Statement.of(query))))
                                .build()
                        : bean;
            }
        };
    }

    /** The SQL that the service has executed for requests since the recorder was last cleared. */
    public static class Statements {
        private final List<Statement> executed = new CopyOnWriteArrayList<>();

        public void clear() {
            executed.clear();
        }

        public List<String> executed() {
            return executed.stream().map(Statement::sql).toList();
        }

        public List<Statement> withArguments() {
            return List.copyOf(executed);
        }

        public Statement last() {
            return executed.getLast();
        }
    }

    /** @param arguments the values of the placeholders; for a batch, those of every round */
    public record Statement(String sql, List<Object> arguments) {
        static Statement of(QueryInfo query) {
            return new Statement(
                    query.getQuery(),
                    query.getParametersList().stream()
                            .flatMap(List::stream)
                            .map(parameter -> parameter.getArgs()[1])
                            // As text, since an array is freed after its statement.
                            .map(value -> value instanceof Array array ? array.toString() : value)
                            .toList());
        }
    }

    /** Reports an unavailable choice in one line, before an application context fails with a long stack trace. */
    static class Available implements BeforeAllCallback {
        @Override
        public void beforeAll(ExtensionContext context) {
            if (CHOICE.equals("testcontainers")
                    && !DockerClientFactory.instance().isDockerAvailable()) {
                throw new IllegalStateException(
                        "No Docker engine answers, so directory.test.postgres cannot be testcontainers");
            }
        }
    }

    /** Opens a connection outside the pool of the service. */
    public static Connection connect() throws SQLException {
        return DriverManager.getConnection(
                Running.SERVER.getJdbcUrl(), Running.SERVER.getUsername(), Running.SERVER.getPassword());
    }

    private static JdbcConnectionDetails start() {
        return switch (CHOICE) {
            case "testcontainers" -> container();
            case "embedded" -> embedded();
            case "auto" -> DockerClientFactory.instance().isDockerAvailable() ? container() : embedded();
            default ->
                throw new IllegalArgumentException(
                        "directory.test.postgres must be auto, testcontainers or embedded, not " + CHOICE);
        };
    }

    @SuppressWarnings("resource") // lives as long as the JVM
    private static JdbcConnectionDetails container() {
        // Every application context keeps a pool of connections.
        PostgreSQLContainer container =
                new PostgreSQLContainer(IMAGE).withCommand("postgres", "-c", "fsync=off", "-c", "max_connections=600");
        container.start();
        log.info("The tests run on Testcontainers PostgreSQL ({})", IMAGE);
        return new Server(container.getJdbcUrl(), container.getUsername(), container.getPassword());
    }

    private static JdbcConnectionDetails embedded() {
        try {
            EmbeddedPostgres postgres = LocalPostgres.embedded()
                    .setServerConfig("max_connections", "600")
                    .start();
            log.info("The tests run on embedded PostgreSQL 18");
            return new Server(postgres.getJdbcUrl("postgres", "postgres"), "postgres", "postgres");
        } catch (IOException e) {
            throw new IllegalStateException("Embedded PostgreSQL does not start", e);
        }
    }

    public record Server(String jdbcUrl, String username, String password) implements JdbcConnectionDetails {
        @Override
        public String getJdbcUrl() {
            return jdbcUrl;
        }

        @Override
        public String getUsername() {
            return username;
        }

        @Override
        public String getPassword() {
            return password;
        }
    }
}
