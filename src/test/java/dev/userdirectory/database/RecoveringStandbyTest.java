package dev.userdirectory.database;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.zaxxer.hikari.HikariDataSource;
import dev.userdirectory.Client;
import dev.userdirectory.Directory;
import dev.userdirectory.DirectoryTest;
import dev.userdirectory.PostgresPair;
import dev.userdirectory.Soak;
import dev.userdirectory.SwitchableProxy;
import dev.userdirectory.TestPostgres;
import dev.userdirectory.Waiting;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.atomic.AtomicInteger;
import javax.sql.DataSource;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.jdbc.autoconfigure.JdbcConnectionDetails;
import org.springframework.boot.test.context.TestConfiguration;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Import;
import org.springframework.context.annotation.Primary;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.test.context.TestPropertySource;
import tools.jackson.databind.JsonNode;

/** A proxy leads to a synchronous standby that has received an acknowledged write, but not replayed it. */
@Soak("promotes a standby")
@DirectoryTest
@Import(RecoveringStandbyTest.Primaries.class)
@TestPropertySource(properties = {"directory.limits.deadline=2s", "logging.level.dev.userdirectory=off"})
@Timeout(180)
class RecoveringStandbyTest {
    private static final PostgresPair SERVERS = new PostgresPair();
    private static final SwitchableProxy PROXY =
            new SwitchableProxy(SERVERS.primary().getPort());
    private static final String UPDATE =
            "mutation ($id: ID!) { updateUser(id: $id, name: \"Acknowledged\") { user { name } } }";

    @Autowired
    Client client;

    @Autowired
    Directory directory;

    @Autowired
    DataSource dataSource;

    @TestConfiguration(proxyBeanMethods = false)
    static class Primaries {
        @Bean
        @Primary
        JdbcConnectionDetails proxied() {
            return new TestPostgres.Server(
                    "jdbc:postgresql://127.0.0.1:" + PROXY.port() + "/postgres", "postgres", "postgres");
        }
    }

    /** The first requests of a test run are slow, because they also load classes. */
    @BeforeEach
    void warmUp() {
        for (String document : List.of(
                "mutation { createGroup(name: \"First\") { group { id } } }",
                "{ users(first: 1) { nodes { name } } }")) {
            Waiting.until(() -> !client.execute(document, Map.of()).has("errors"));
        }
    }

    @Test
    void standbyIsNotReadBeforeItsPromotion() throws Exception {
        JdbcTemplate standby = new JdbcTemplate(SERVERS.replica().getPostgresDatabase());
        String id = directory.createUser();
        SERVERS.synchronousStandby(true);
        await().until(() -> standby.queryForList("select from users").size() == 1);
        standby.execute("select pg_wal_replay_pause()");
        client.data(UPDATE, Map.of("id", id));
        AtomicInteger failures = new AtomicInteger();

        PROXY.switchTo(SERVERS.replica().getPort());
        await().atMost(Duration.ofMinutes(1)).until(() -> {
            JsonNode name = name(id);
            if (name.isMissingNode()) {
                return failures.incrementAndGet() == 10;
            }
            assertThat(name.asString()).isEqualTo("Acknowledged");
            return false;
        });
        try (Connection allowed = connect("?targetServerType=any")) {
            assertThat(allowed.isValid(1)).as("the URL overrides the property").isTrue();
        }

        SERVERS.kill(SERVERS.primary());
        standby.execute("select pg_wal_replay_resume()");
        standby.execute("select pg_promote()");
        await().atMost(Duration.ofSeconds(5)).until(() -> name(id).asString("").equals("Acknowledged"));
    }

    private JsonNode name(String id) {
        return client.execute("query ($id: ID!) { user(id: $id) { name } }", Map.of("id", id))
                .at("/data/user/name");
    }

    /** Connects with the properties of the pool, and with more of them in the URL. */
    private Connection connect(String parameters) throws SQLException {
        HikariDataSource pool = dataSource.unwrap(HikariDataSource.class);
        Properties properties = new Properties();
        properties.putAll(pool.getDataSourceProperties());
        properties.setProperty("user", "postgres");
        properties.setProperty("password", "postgres");
        return DriverManager.getConnection(pool.getJdbcUrl() + parameters, properties);
    }
}
