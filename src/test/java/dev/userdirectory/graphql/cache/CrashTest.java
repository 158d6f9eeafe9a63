package dev.userdirectory.graphql.cache;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.userdirectory.Client;
import dev.userdirectory.Directory;
import dev.userdirectory.DirectoryTest;
import dev.userdirectory.PostgresPair;
import dev.userdirectory.Soak;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.jdbc.autoconfigure.JdbcConnectionDetails;
import org.springframework.boot.test.context.TestConfiguration;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Import;
import org.springframework.context.annotation.Primary;
import org.springframework.test.context.TestPropertySource;
import tools.jackson.databind.JsonNode;

/**
 * A backend is killed again and again. PostgreSQL recovers without a restart, and continues from the last transaction
 * number whose log was flushed, so that the next write may reuse the number of a notification to the feed's readers.
 */
@Soak("crashes PostgreSQL twelve times")
@DirectoryTest
@Import(CrashTest.Primaries.class)
@TestPropertySource(properties = "logging.level.root=off")
@Timeout(180)
class CrashTest {
    private static final PostgresPair SERVERS = new PostgresPair();
    private static final int CRASHES = 12;
    private static final String USER = "query ($id: ID!) { user(id: $id) { version } }";
    private static final String UPDATE =
            "mutation ($id: ID!, $name: String!) { updateUser(id: $id, name: $name) { user { version } } }";

    @Autowired
    Client client;

    @Autowired
    Directory directory;

    @TestConfiguration(proxyBeanMethods = false)
    static class Primaries {
        @Bean
        @Primary
        JdbcConnectionDetails primaryDetails() {
            return SERVERS.primaryDetails();
        }
    }

    @Test
    void returnsNoStaleResponseAfterACrash() throws Exception {
        // The first requests of a test run are slow, because they also load classes.
        await().atMost(Duration.ofMinutes(1)).ignoreExceptions().until(() -> update(directory.createUser()) > 0);
        String id = directory.createUser();
        int stale = 0;
        for (int crash = 0; crash < CRASHES; crash++) {
            int version = update(id);
            // Cached, and cached again once the hint has been sent.
            for (int i = 0; i < 10; i++) {
                assertThat(readOnceAnswered(id)).isEqualTo(version);
            }
            killBackend();

            int written = await().atMost(Duration.ofSeconds(20)).until(() -> update(id), after -> after > version);
            stale += readOnceAnswered(id) < written ? 1 : 0;
        }
        assertThat(stale).isZero();
    }

    /** The pool may still have connections that the crash has closed. */
    private int readOnceAnswered(String id) {
        return await().until(
                        () -> client.execute(USER, Map.of("id", id))
                                .at("/data/user/version")
                                .asInt(-1),
                        version -> version >= 0);
    }

    /** The version of the user after the update, or -1. */
    private int update(String id) {
        JsonNode version = client.execute(UPDATE, Map.of("id", id, "name", Directory.newEmail()))
                .at("/data/updateUser/user/version");
        return version.asInt(-1);
    }

    private static void killBackend() throws SQLException {
        try (Connection connection = SERVERS.primary().getPostgresDatabase().getConnection();
                Statement statement = connection.createStatement();
                var pid = statement.executeQuery("select pg_backend_pid()")) {
            pid.next();
            ProcessHandle.of(pid.getLong(1)).orElseThrow().destroyForcibly();
        }
    }
}
