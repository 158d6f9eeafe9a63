package dev.userdirectory.database;

import static org.assertj.core.api.Assertions.assertThat;

import dev.userdirectory.Client;
import dev.userdirectory.Directory;
import dev.userdirectory.DirectoryTest;
import dev.userdirectory.PostgresPair;
import dev.userdirectory.Soak;
import dev.userdirectory.Waiting;
import io.micrometer.core.instrument.MeterRegistry;
import java.net.http.HttpRequest;
import java.sql.Connection;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.BeforeEach;
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

/** The service on two PostgreSQL servers, one of them a replica of the other: behind, frozen, and gone. */
@DirectoryTest
@Import(ReplicaTest.Primaries.class)
@TestPropertySource(
        properties = {
            // Longer than replication takes, even on a busy machine.
            "directory.replica.patience=1500ms",
            "logging.level.dev.userdirectory.database.Replica=error"
        })
class ReplicaTest {
    private static final String CREATE =
            "mutation ($email: String!) { createUser(name: \"Written\", email: $email) { user { id } } }";
    private static final String BY_EMAIL =
            "query ($email: String!) { userByEmail(email: $email) { name groups(first: 1) { nodes { name } } } }";

    private static final PostgresPair SERVERS = new PostgresPair();

    @Autowired
    Client client;

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

    @BeforeEach
    void replicaIsRead() throws InterruptedException {
        Waiting.until(() -> {
            double before = reads("replica");
            find(Directory.newEmail());
            return reads("replica") > before;
        });
    }

    @Test
    void queriesReadFromTheReplica() throws InterruptedException {
        create();
        replicaIsRead();
        double fromPrimary = reads("primary");
        double fromReplica = reads("replica");
        client.data("{ users(first: 3) { totalCount nodes { groups(first: 1) { totalCount } } } }");

        assertThat(reads("primary")).isEqualTo(fromPrimary);
        assertThat(reads("replica")).isGreaterThan(fromReplica);
        assertThat(new JdbcTemplate(SERVERS.replica().getPostgresDatabase())
                        .queryForList("select query from pg_stat_activity where usename = 'postgres'", String.class))
                .anySatisfy(statement -> assertThat(statement).contains("from group_members m"));
    }

    @Test
    void queriesSeeEveryAcknowledgedWrite() throws Exception {
        double before = reads("replica");
        JdbcTemplate primary = new JdbcTemplate(SERVERS.primary().getPostgresDatabase());
        List<Future<Integer>> misses = new ArrayList<>();
        try (ExecutorService writers = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int writer = 0; writer < 4; writer++) {
                misses.add(writers.submit(() -> {
                    int missing = 0;
                    for (int i = 0; i < 50; i++) {
                        String mine = create();
                        missing += find(mine) ? 0 : 1;
                        // A write by another program, which this service does not know of.
                        String others = Directory.newEmail();
                        primary.update(
                                "insert into users (id, name, email, active, created_at, updated_at, version)"
                                        + " values (gen_random_uuid(), 'Written', ?, true, now(), now(), 0)",
                                others);
                        missing += find(others) ? 0 : 1;
                    }
                    return missing;
                }));
            }
        }
        for (Future<Integer> missing : misses) {
            assertThat(missing.get()).isZero();
        }
        assertThat(reads("replica") - before)
                .as("of 800 reads, from the replica")
                .isGreaterThan(200);
    }

    /** With {@code synchronous_commit = off}, a change is visible before it is sent to replicas. */
    @Test
    void queriesSeeEveryWriteThatDidNotWaitForTheLog() throws Exception {
        JdbcTemplate primary = new JdbcTemplate(SERVERS.primary().getPostgresDatabase());
        primary.execute("alter system set wal_writer_delay = '10s'");
        primary.execute("select pg_reload_conf()");
        try (Connection connection = SERVERS.primary().getPostgresDatabase().getConnection();
                Statement other = connection.createStatement()) {
            other.execute("set synchronous_commit = off");
            double before = reads("replica");
            for (int i = 0; i < 20; i++) {
                String email = Directory.newEmail();
                other.execute("insert into users (id, name, email, active, created_at, updated_at, version)"
                        + " values (gen_random_uuid(), 'Written', '" + email + "', true, now(), now(), 0)");
                assertThat(find(email)).isTrue();
            }
            assertThat(reads("replica")).isGreaterThan(before);
        } finally {
            primary.execute("alter system reset wal_writer_delay");
            primary.execute("select pg_reload_conf()");
        }
    }

    @Test
    @Soak("waits until the replica is no longer asked")
    void readsFromThePrimaryWhileTheReplicaLags() throws InterruptedException {
        JdbcTemplate replica = new JdbcTemplate(SERVERS.replica().getPostgresDatabase());
        replica.execute("select pg_wal_replay_pause()");
        try {
            String email = create();
            long start = System.nanoTime();
            assertThat(find(email)).isTrue();
            assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(4));
            assertThat(replica.queryForObject("select count(*) from users where email = ?", Integer.class, email))
                    .isZero();
            // Longer than the pause after which the replica is tried again, and without queries.
            Thread.sleep(Duration.ofMillis(1500));
            assertThat(isReplicaUsed()).isZero();
        } finally {
            replica.execute("select pg_wal_replay_resume()");
        }
        replicaIsRead();
        assertThat(isReplicaUsed()).isOne();
    }

    @Test
    @Soak("freezes the replica")
    void readsFromThePrimaryWhileTheReplicaIsFrozen() throws Exception {
        SERVERS.freezeReplica(true);
        try {
            for (int i = 0; i < 30; i++) {
                long start = System.nanoTime();
                assertThat(find(create())).isTrue();
                assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(4));
                Thread.sleep(50);
            }
            assertThat(client.send(HttpRequest.newBuilder(client.uri("/actuator/health/readiness"))
                                    .build())
                            .statusCode())
                    .isEqualTo(200);
        } finally {
            SERVERS.freezeReplica(false);
        }
        replicaIsRead();
    }

    @Test
    @Soak("terminates connections")
    void readsFromThePrimaryWhenTheReplicaTerminatesConnections() throws InterruptedException {
        JdbcTemplate replica = new JdbcTemplate(SERVERS.replica().getPostgresDatabase());
        for (int i = 0; i < 10; i++) {
            replica.queryForList("select pg_terminate_backend(pid) from pg_stat_activity"
                    + " where usename = 'postgres' and backend_type = 'client backend' and pid <> pg_backend_pid()");
            assertThat(find(create())).isTrue();
        }
        replicaIsRead();
    }

    private String create() {
        String email = Directory.newEmail();
        assertThat(client.data(CREATE, Map.of("email", email))
                        .at("/createUser/user/id")
                        .asString())
                .isNotEmpty();
        return email;
    }

    private boolean find(String email) {
        return client.data(BY_EMAIL, Map.of("email", email))
                .at("/userByEmail/name")
                .isString();
    }

    private double isReplicaUsed() {
        return meters.get("directory.replica.used").gauge().value();
    }

    private double reads(String server) {
        return meters.get("directory.reads").tag("server", server).counter().count();
    }
}
