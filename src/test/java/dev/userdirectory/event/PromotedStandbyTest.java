package dev.userdirectory.event;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.userdirectory.Client;
import dev.userdirectory.Directory;
import dev.userdirectory.DirectoryTest;
import dev.userdirectory.PostgresPair;
import dev.userdirectory.PostgresServer;
import dev.userdirectory.Soak;
import dev.userdirectory.Tokens;
import dev.userdirectory.subscription.EventStreamClient;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.jdbc.autoconfigure.JdbcConnectionDetails;
import org.springframework.boot.test.context.TestConfiguration;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Import;
import org.springframework.context.annotation.Primary;
import org.springframework.jdbc.core.JdbcTemplate;

/** Kills the primary and promotes an asynchronous standby that lacks an acknowledged write. */
@Soak("promotes a standby")
@DirectoryTest
@Import(PromotedStandbyTest.BothServers.class)
class PromotedStandbyTest {
    private static final String FEED =
            "subscription ($after: String) { userEvents(after: $after) { type cursor userId } }";
    private static final PostgresPair SERVERS = new PostgresPair();

    @Autowired
    Client client;

    @Autowired
    Directory directory;

    @Autowired
    EventLog log;

    @TestConfiguration(proxyBeanMethods = false)
    static class BothServers {
        @Bean
        @Primary
        JdbcConnectionDetails whicheverIsPrimary() {
            return SERVERS.details();
        }
    }

    @Test
    void cursorsBeyondTheStandbyExpire() throws Exception {
        JdbcTemplate primary = new JdbcTemplate(SERVERS.primary().getPostgresDatabase());
        JdbcTemplate standby = new JdbcTemplate(SERVERS.replica().getPostgresDatabase());
        String kept = directory.createUser();
        String cursorOfKept = await().until(
                        () -> client.data("{ userEvents(first: 0) { newestCursor } }")
                                .at("/userEvents/newestCursor"),
                        cursor -> cursor.isString()
                                && FeedCursors.userOf(primary, cursor.asString())
                                        .equals(kept))
                .asString();
        SERVERS.disconnectReplica();

        assertThat(isReadOn(cursorOfKept)).isTrue();
        try (EventStreamClient live = follow(cursorOfKept)) {
            String lost = directory.createUser();
            EventStreamClient.Event event = live.expect("next");
            String cursorOfLost = event.data().at("/data/userEvents/cursor").asString();
            Path data = Path.of(primary.queryForObject("show data_directory", String.class));

            PostgresServer.kill(data);
            standby.execute("select pg_promote()");
            String after = await().atMost(Duration.ofSeconds(30))
                    .ignoreExceptions()
                    .until(() -> directory.createUser(), id -> true);

            assertThat(code(live)).isEqualTo("EVENTS_EXPIRED");
            FeedCursors.reuse(standby, cursorOfLost);
            try (EventStreamClient resumed = follow(cursorOfLost)) {
                assertThat(code(resumed)).isEqualTo("EVENTS_EXPIRED");
            }
            try (EventStreamClient resumed = follow(cursorOfKept)) {
                EventStreamClient.Event next = resumed.expect("next");
                while (!next.data().at("/data/userEvents/userId").asString().equals(after)) {
                    assertThat(next.data().has("errors")).as("%s", next).isFalse();
                    next = resumed.expect("next");
                }
            }
            assertThat(isReadOn(cursorOfKept))
                    .as("by a webhook, which may have sent more")
                    .isFalse();
            assertThat(directory.user(kept).isNull()).isFalse();
            assertThat(directory.user(lost).isNull()).isTrue();
        }
    }

    private boolean isReadOn(String cursor) throws SQLException {
        try (EventLog.Session session = log.open("test")) {
            return session.read(cursor, 10) instanceof EventLog.Found.Events;
        }
    }

    private static String code(EventStreamClient stream) throws InterruptedException {
        return stream.expect("next").data().at("/errors/0/extensions/code").asString();
    }

    private EventStreamClient follow(String after) throws Exception {
        return new EventStreamClient(
                client.uri("/graphql"), Tokens.withScopes("users:read"), FEED, Map.of("after", after), null);
    }
}
