package dev.userdirectory.database;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.userdirectory.Client;
import dev.userdirectory.Directory;
import dev.userdirectory.DirectoryTest;
import dev.userdirectory.Instance;
import dev.userdirectory.PostgresPair;
import dev.userdirectory.Soak;
import dev.userdirectory.Waiting;
import io.micrometer.core.instrument.MeterRegistry;
import java.net.Socket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.jdbc.autoconfigure.JdbcConnectionDetails;
import org.springframework.boot.test.context.TestConfiguration;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Import;
import org.springframework.context.annotation.Primary;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.test.context.TestPropertySource;
import tools.jackson.databind.JsonNode;

/** Writes whose commit waits for a synchronous standby that is frozen. */
@Soak("freezes a standby")
@DirectoryTest
@Import(StalledStandbyTest.Primaries.class)
@TestPropertySource(
        properties = {
            "directory.limits.deadline=2s",
            "logging.level.dev.userdirectory.graphql.operation.DeadlineInterceptor=error"
        })
class StalledStandbyTest {
    private static final PostgresPair SERVERS = new PostgresPair();
    private static final String CREATE =
            "mutation ($email: String!) { createUser(name: \"Written\", email: $email) { user { id } errors { code } } }";

    private static final String CREATE_GROUP =
            "mutation ($name: String!) { createGroup(name: $name) { group { id } errors { code } } }";
    /** Long enough for commits to take all of PostgreSQL's connections if there were no limit. */
    private static final Duration STALL = Duration.ofSeconds(Integer.getInteger("directory.test.stall", 15));

    private final JdbcTemplate primary = new JdbcTemplate(SERVERS.primary().getPostgresDatabase());

    @Autowired
    Client client;

    @Autowired
    Directory directory;

    @Autowired
    MeterRegistry meters;

    @Autowired
    Upkeep upkeep;

    @TestConfiguration(proxyBeanMethods = false)
    static class Primaries {
        @Bean
        @Primary
        JdbcConnectionDetails primaryDetails() {
            return SERVERS.primaryDetails();
        }
    }

    /** The first requests of a test run are slow, because they also load classes. */
    @BeforeEach
    void warmUp() {
        await().atMost(Duration.ofMinutes(1))
                .until(() -> !client.execute(CREATE, Map.of("email", Directory.newEmail()))
                        .has("errors"));
    }

    @AfterEach
    void thaw() throws Exception {
        SERVERS.freezeReplica(false);
        SERVERS.synchronousStandby(false);
    }

    @Test
    void acknowledgesNoCreationThatTheStandbyLacks() throws Exception {
        stall();
        List<String> emails =
                IntStream.range(0, 12).mapToObj(i -> Directory.newEmail()).toList();

        List<CompletableFuture<JsonNode>> responses =
                emails.stream().map(this::create).toList();

        for (CompletableFuture<JsonNode> response : responses) {
            assertThat(response.join().at("/errors/0/extensions/code").asString())
                    .isEqualTo("DEADLINE_EXCEEDED");
        }
        assertThat(stored(emails)).isZero();
        assertThat(waitingForStandby()).isPositive();
        SERVERS.freezeReplica(false);
        // The commits were abandoned, not undone.
        await().until(() -> stored(emails) > 0);
    }

    @Test
    void acknowledgesNoCreationWhenAnotherClientDisconnects() throws Exception {
        stall();
        List<String> emails =
                IntStream.range(0, 4).mapToObj(i -> Directory.newEmail()).toList();
        List<CompletableFuture<JsonNode>> responses;
        try (Socket leader = client.open(CREATE, Map.of("email", emails.getFirst()))) {
            await().until(() -> waitingForStandby() > 0);
            responses = emails.stream().skip(1).map(this::create).toList();
        }

        // Checked before the deadline of these requests, and again after it.
        await().during(Duration.ofSeconds(1)).atMost(Duration.ofSeconds(10)).until(() -> stored(emails) == 0);
        for (CompletableFuture<JsonNode> response : responses) {
            assertThat(response.join().at("/errors/0/extensions/code").asString())
                    .isEqualTo("DEADLINE_EXCEEDED");
        }
        assertThat(stored(emails)).isZero();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "mutation { updateUser(id: \"ID\", name: \"Late\") { user { name } } }",
                "mutation { deleteUser(id: \"ID\") { errors { code } } }",
                "mutation { createUsers(users: [{name: \"Late\", email: \"EMAIL\"}]) { users { id } } }",
                "mutation { createGroup(name: \"Late\") { group { id } } }"
            })
    void acknowledgesNoOtherMutationThatTheStandbyLacks(String mutation) throws Exception {
        String id = directory.createUser();
        stall();

        JsonNode response = client.execute(mutation.replace("ID", id).replace("EMAIL", Directory.newEmail()), Map.of());

        assertThat(response.at("/errors/0/extensions/code").asString()).isEqualTo("DEADLINE_EXCEEDED");
        assertThat(response.at("/errors/0/message").asString()).contains("unknown");
        assertThat(directory.user(id).get("name").asString()).isEqualTo("User 0");
        assertThat(waitingForStandby()).isPositive();
    }

    /** Twelve clients create groups without a pause, and another one reads. Creations of users would share statements. */
    @Test
    void rejectsWritesAndContinuesToReadWhileManyCommitsWait() throws Exception {
        int limit = 10;
        int pool = 10;
        String id = directory.createUser();
        AtomicBoolean writing = new AtomicBoolean(true);
        Map<String, AtomicInteger> outcomes = new ConcurrentHashMap<>();
        Queue<String> rejected = new ConcurrentLinkedQueue<>();
        List<CompletableFuture<Void>> writers = new ArrayList<>();
        stall();
        try {
            for (int i = 0; i < 12; i++) {
                writers.add(CompletableFuture.runAsync(
                        () -> {
                            while (writing.get()) {
                                String name = Directory.newEmail();
                                String code = client.execute(CREATE_GROUP, Map.of("name", name))
                                        .at("/errors/0/extensions/code")
                                        .asString("");
                                if (code.equals("UNAVAILABLE")) {
                                    rejected.add(name);
                                }
                                outcomes.computeIfAbsent(code, each -> new AtomicInteger())
                                        .incrementAndGet();
                                Pause.of(Duration.ofMillis(50));
                            }
                        },
                        task -> Thread.startVirtualThread(task)));
            }
            Waiting.until(() -> outcomes.containsKey("UNAVAILABLE"));
            long end = System.nanoTime() + STALL.toNanos();
            Duration slowest = Duration.ZERO;
            for (int reads = 1; System.nanoTime() - end < 0; reads++) {
                long started = System.nanoTime();
                // Each read differs from those whose responses are cached.
                JsonNode read = client.execute(
                        "query ($id: ID!) { user(id: $id) { name email } users(first: " + (reads % 99 + 1)
                                + ") { nodes { name } } }",
                        Map.of("id", id));
                assertThat(read.at("/data/user/name").asString()).as("%s", read).isEqualTo("User 0");
                Duration time = Duration.ofNanos(System.nanoTime() - started);
                slowest = time.compareTo(slowest) > 0 ? time : slowest;
                assertThat(waitingForStandby()).isLessThanOrEqualTo(limit + pool);
                Pause.of(Duration.ofMillis(20));
            }
            System.out.println("Outcomes of writes: " + outcomes + ", slowest read: " + slowest);
            int acknowledged = outcomes.getOrDefault("", new AtomicInteger()).get();
            assertThat(acknowledged).isZero();

            SERVERS.freezeReplica(false);
            long resumed = System.nanoTime();
            await().atMost(Duration.ofSeconds(10))
                    .until(() -> outcomes.getOrDefault("", new AtomicInteger()).get() > acknowledged);
            System.out.println("Writes resumed after " + Duration.ofNanos(System.nanoTime() - resumed));
            assertThat(meters.get("directory.writes.rejected").counter().count())
                    .isPositive();
            assertThat(count("select count(*) from groups where name = any(?)", (Object)
                            rejected.toArray(String[]::new)))
                    .isZero();
        } finally {
            writing.set(false);
            writers.forEach(CompletableFuture::join);
        }
    }

    @Test
    void instanceThatStartsWhileManyCommitsWaitRejectsWrites() throws Exception {
        // Abandoned commits of earlier tests have closed connections, which the pool replaces one at a time.
        Waiting.until(() -> meters.get("hikaricp.connections.idle").gauge().value() == 10);
        stall();
        List<CompletableFuture<JsonNode>> waiting = IntStream.range(0, 10)
                .mapToObj(i -> CompletableFuture.supplyAsync(
                        () -> client.execute(CREATE_GROUP, Map.of("name", "Waiting")),
                        task -> Thread.startVirtualThread(task)))
                .toList();
        waiting.forEach(CompletableFuture::join);
        assertThat(waitingForStandby()).isEqualTo(10);

        try (ConfigurableApplicationContext another = Instance.start(SERVERS.primaryDetails())) {
            JsonNode response = another.getBean(Client.class).execute(CREATE_GROUP, Map.of("name", "Late"));
            assertThat(response.at("/errors/0/extensions/code").asString()).isEqualTo("UNAVAILABLE");
        }
    }

    /** PostgreSQL then shows the commit, although the standby lacks it. */
    @Test
    void outcomeIsUnknownIfTheBackendEndsWhileItsCommitWaits() throws Exception {
        stall();
        CompletableFuture<JsonNode> response = CompletableFuture.supplyAsync(
                () -> client.execute(CREATE_GROUP, Map.of("name", "Unknown")), task -> Thread.startVirtualThread(task));
        await().until(() -> waitingForStandby() > 0);

        count("select count(pg_terminate_backend(pid)) from pg_stat_activity where wait_event = 'SyncRep'");

        JsonNode error = response.join().at("/errors/0");
        assertThat(error.at("/extensions/code").asString()).isEqualTo("INTERNAL_SERVER_ERROR");
        assertThat(error.get("message").asString()).endsWith("Whether a mutation took effect is unknown.");
    }

    /** Otherwise each attempt, once a minute, would take one more of PostgreSQL's connections. */
    @Test
    void deletesOldRowsWithoutWaitingForTheStandby() throws Exception {
        client.data("mutation { createGroup(name: \"Old\", idempotencyKey: \"old\") { group { id } } }");
        primary.update("update idempotency_keys set created_at = now() - interval '1 year'");
        stall();

        upkeep.run(Duration.ZERO);

        assertThat(waitingForStandby()).isZero();
        assertThat(count("select count(*) from idempotency_keys")).isZero();
    }

    private static void stall() throws Exception {
        SERVERS.synchronousStandby(true);
        SERVERS.freezeReplica(true);
    }

    private CompletableFuture<JsonNode> create(String email) {
        return CompletableFuture.supplyAsync(
                () -> client.execute(CREATE, Map.of("email", email)), task -> Thread.startVirtualThread(task));
    }

    private int stored(List<String> emails) {
        return count("select count(*) from users where email = any(?)", (Object) emails.toArray(String[]::new));
    }

    private int waitingForStandby() {
        return count(
                "select count(*) from pg_stat_activity where wait_event = 'SyncRep' and backend_type = 'client backend'");
    }

    private int count(String sql, Object... arguments) {
        Integer count = primary.queryForObject(sql, Integer.class, arguments);
        return count == null ? 0 : count;
    }
}
