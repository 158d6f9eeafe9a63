package dev.userdirectory.database;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.userdirectory.Client;
import dev.userdirectory.Directory;
import dev.userdirectory.DirectoryTest;
import dev.userdirectory.PostgresPair;
import dev.userdirectory.Soak;
import io.micrometer.core.instrument.MeterRegistry;
import java.net.Socket;
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
import org.springframework.test.context.DynamicPropertyRegistry;
import org.springframework.test.context.DynamicPropertySource;
import org.springframework.test.context.TestPropertySource;

/** Clients that disconnect while their query waits for the replica. */
@Soak("starts a standby")
@DirectoryTest
@Import(ReplicaDisconnectTest.Primaries.class)
@TestPropertySource(
        properties = {
            // Longer than any of the clients waits.
            "directory.replica.patience=4s",
            "logging.level.dev.userdirectory.database.Replica=error"
        })
class ReplicaDisconnectTest {
    private static final PostgresPair SERVERS = new PostgresPair();
    private static final String BY_EMAIL = "query ($email: String!) { userByEmail(email: $email) { name } }";

    private final JdbcTemplate replica = new JdbcTemplate(SERVERS.replica().getPostgresDatabase());

    @Autowired
    Client client;

    @Autowired
    Directory directory;

    @Autowired
    MeterRegistry meters;

    @DynamicPropertySource
    static void replica(DynamicPropertyRegistry registry) {
        registry.add("directory.replica.url", SERVERS::replicaUrl);
    }

    @TestConfiguration(proxyBeanMethods = false)
    static class Primaries {
        @Bean
        @Primary
        JdbcConnectionDetails primaryDetails() {
            return SERVERS.primaryDetails();
        }
    }

    @Test
    void disconnectedClientsDoNotKeepOthersFromTheReplica() throws Exception {
        await().atMost(Duration.ofMinutes(1)).until(() -> isReadFromReplica());
        for (int i = 0; i < 10; i++) {
            replica.execute("select pg_wal_replay_pause()");
            try {
                directory.createUser();
                try (Socket socket = client.open(BY_EMAIL, Map.of("email", Directory.newEmail()))) {
                    await().until(this::isWaitedFor);
                }
                await().pollInterval(Duration.ofMillis(20)).until(() -> !isWaitedFor());
            } finally {
                replica.execute("select pg_wal_replay_resume()");
            }
            assertThat(isReadFromReplica()).isTrue();
        }
    }

    private boolean isReadFromReplica() {
        double before =
                meters.get("directory.reads").tag("server", "replica").counter().count();
        client.data(BY_EMAIL, Map.of("email", Directory.newEmail()));
        return meters.get("directory.reads").tag("server", "replica").counter().count() > before;
    }

    /** Whether the position of the replica is being queried. */
    private boolean isWaitedFor() {
        return Boolean.TRUE.equals(replica.queryForObject(
                "select exists (select from pg_stat_activity where pid <> pg_backend_pid()"
                        + " and query like '%pg_last_wal_replay_lsn%' and query_start > clock_timestamp() - interval '100 ms')",
                Boolean.class));
    }
}
