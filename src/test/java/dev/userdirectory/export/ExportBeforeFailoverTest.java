package dev.userdirectory.export;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.userdirectory.Client;
import dev.userdirectory.Directory;
import dev.userdirectory.DirectoryTest;
import dev.userdirectory.PostgresPair;
import dev.userdirectory.Soak;
import dev.userdirectory.Tokens;
import dev.userdirectory.mirror.Mirror;
import dev.userdirectory.subscription.EventStreamClient;
import java.sql.Connection;
import java.sql.Statement;
import java.time.Duration;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.jdbc.autoconfigure.JdbcConnectionDetails;
import org.springframework.boot.test.context.TestConfiguration;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Import;
import org.springframework.context.annotation.Primary;
import org.springframework.jdbc.core.JdbcTemplate;

/**
 * An export contains a write that the promoted standby lacks, and whose event was held back. The feed itself has lost
 * nothing, and the new primary gives the transaction ID of the lost write to another transaction.
 */
@Soak("promotes a standby")
@DirectoryTest
@Import(ExportBeforeFailoverTest.BothServers.class)
class ExportBeforeFailoverTest {
    private static final PostgresPair SERVERS = new PostgresPair();
    private static final String INSERT = "insert into users (id, name, email, active, created_at, updated_at, version)"
            + " values (uuidv7(), 'Other', uuidv7() || '@example.com', true, now(), now(), 0)";

    @Autowired
    Client client;

    @Autowired
    Directory directory;

    @TestConfiguration(proxyBeanMethods = false)
    static class BothServers {
        @Bean
        @Primary
        JdbcConnectionDetails whicheverIsPrimary() {
            return SERVERS.details();
        }
    }

    @Test
    void tellsFollowerThatTheStandbyLacksPartOfItsExport() throws Exception {
        JdbcTemplate standby = new JdbcTemplate(SERVERS.replica().getPostgresDatabase());
        directory.createUser();
        SERVERS.disconnectReplica();
        try (Connection open = SERVERS.primary().getPostgresDatabase().getConnection();
                Statement statement = open.createStatement()) {
            open.setAutoCommit(false);
            statement.execute(INSERT);
            String lost = directory.createUser();
            long writer = newestWriter(new JdbcTemplate(SERVERS.primary().getPostgresDatabase()));
            Mirror mirror = new Mirror(new ExportClient(client).lines());
            assertThat(mirror.objects()).containsKey(lost);
            try (EventStreamClient live = new EventStreamClient(
                    client.uri("/graphql"),
                    Tokens.withScopes("users:read"),
                    "subscription ($after: String) { directoryEvents(after: $after) { cursor } }",
                    Map.of("after", mirror.cursor()),
                    null)) {
                SERVERS.kill(SERVERS.primary());
                standby.execute("select pg_promote()");
                await().atMost(Duration.ofSeconds(30)).ignoreExceptions().until(() -> {
                    standby.update(INSERT);
                    return newestWriter(standby) >= writer;
                });

                EventStreamClient.Event event = live.expect("next");

                assertThat(event.data().at("/errors/0/extensions/code").asString())
                        .as("%s", event)
                        .isEqualTo("EVENTS_EXPIRED");
                assertThat(standby.queryForList("select from user_events where writer = ?", writer))
                        .as("events of another transaction with the same ID")
                        .isNotEmpty();
            }
        }
    }

    private static long newestWriter(JdbcTemplate server) {
        return Objects.requireNonNull(server.queryForObject("select max(writer) from user_events", Long.class));
    }
}
