package dev.userdirectory.graphql.cache;

import static dev.userdirectory.Ports.freePort;
import static org.assertj.core.api.Assertions.assertThat;

import dev.userdirectory.Client;
import dev.userdirectory.Directory;
import dev.userdirectory.DirectoryTest;
import dev.userdirectory.Instance;
import dev.userdirectory.Load;
import dev.userdirectory.Recovery;
import dev.userdirectory.Soak;
import dev.userdirectory.TestPostgres;
import dev.userdirectory.Waiting;
import dev.userdirectory.event.TrackedFollower;
import dev.userdirectory.graphql.document.Sha256;
import dev.userdirectory.relay.GlobalId;
import dev.userdirectory.user.User;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisURI;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.api.sync.RedisCommands;
import io.micrometer.core.instrument.MeterRegistry;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.jdbc.autoconfigure.JdbcConnectionDetails;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.jdbc.datasource.DriverManagerDataSource;
import redis.embedded.RedisServer;

/** Two instances share their responses in a real Redis, which is frozen and killed. */
@Soak("freezes and kills Redis")
@DirectoryTest
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class SharedCacheTest {
    private static final String USER = "query ($id: ID!) { user(id: $id) { version } }";

    private final Directory directory;
    private final JdbcConnectionDetails postgres;
    private final int port = freePort();
    private RedisServer redis;
    private final List<ConfigurableApplicationContext> instances;
    private final List<Client> clients;

    @Autowired
    SharedCacheTest(Directory directory, JdbcConnectionDetails postgres) throws IOException {
        this.directory = directory;
        this.postgres = postgres;
        redis = startRedis();
        instances = List.of(start(), start());
        clients = instances.stream()
                .map(instance -> instance.getBean(Client.class))
                .toList();
    }

    @AfterAll
    void stop() throws IOException {
        instances.forEach(ConfigurableApplicationContext::close);
        redis.stop();
    }

    @BeforeAll
    void learn() {
        String id = directory.createUser();
        clients.forEach(client -> client.data(USER, Map.of("id", id)));
        // Connecting may take longer than the timeout of Redis.
        instances.forEach(instance -> awaitRedis(instance.getBean(SharedStore.class)));
    }

    @Test
    void oneInstanceReturnsTheResponseOfAnother() {
        Waiting.until(this::isShared);
    }

    /** Whether the second instance returns a response of the first. While Redis is too slow, neither uses it. */
    private boolean isShared() {
        double before = count(1, "shared hit");
        Map<String, String> id = Map.of("id", directory.createUser());
        putsIntoRedis(() -> clients.get(0).data(USER, id));
        clients.get(1).data(USER, id);
        return count(1, "shared hit") > before;
    }

    /** Returns once Redis has the response, or was too slow to store it. */
    private boolean putsIntoRedis(Runnable request) {
        Set<String> before = responsesInRedis();
        request.run();
        return Waiting.briefly(() -> !before.containsAll(responsesInRedis()));
    }

    private Set<String> responsesInRedis() {
        return Set.copyOf(ask(redis -> redis.keys("user-directory:response:*")));
    }

    /** Uses a connection with a longer timeout than that of the service. */
    private <T> T ask(Function<RedisCommands<String, String>, T> command) {
        try (RedisClient client = RedisClient.create(RedisURI.create("localhost", port));
                StatefulRedisConnection<String, String> connection = client.connect()) {
            return command.apply(connection.sync());
        }
    }

    @Test
    void instancesShareRegisteredDocuments() {
        Waiting.until(this::isDocumentShared);
    }

    /** Whether the second instance knows a document of the first. While Redis is too slow, it does not. */
    private boolean isDocumentShared() {
        String document = "query ($id: ID!) { user(id: $id) { name version } } # " + Directory.newEmail();
        Map<String, Object> byHash = Map.of(
                "variables", Map.of("id", directory.createUser()),
                "extensions", Map.of("persistedQuery", Map.of("version", 1, "sha256Hash", Sha256.hex(document))));
        Map<String, Object> registering = new HashMap<>(byHash);
        registering.put("query", document);
        assertThat(clients.get(1).post(byHash).body()).contains("PERSISTED_QUERY_NOT_FOUND");

        String answer = clients.get(0).post(registering).body();

        assertThat(answer).contains("version");
        return Waiting.briefly(() -> clients.get(1).post(byHash).body().equals(answer));
    }

    /** Two databases of one server have users with the same IDs. */
    @Test
    void responsesAreNeverOlderThanAnAcknowledgedWriteNorOfAnotherDatabase() throws Exception {
        String name = "other_" + UUID.randomUUID().toString().replace('-', '_');
        JdbcTemplate server = jdbc(postgres.getJdbcUrl());
        server.execute("create database " + name);
        String url = postgres.getJdbcUrl().replaceFirst("(jdbc:postgresql://[^/]+/)[^?]+", "$1" + name);
        try (ConfigurableApplicationContext other = start(url)) {
            JdbcTemplate otherDatabase = jdbc(url);
            List<String> users = new ArrayList<>();
            for (int i = 0; i < 2; i++) {
                UUID user = UUID.randomUUID();
                insert(server, user, "Here");
                insert(otherDatabase, user, "There");
                users.add(new GlobalId(User.TYPE, user).toString());
            }
            try (Load here = new Load("Here", clients, users);
                    Load there = new Load("There", List.of(other.getBean(Client.class)), users)) {
                Recovery.isFastAfter("an empty restart of Redis", () -> {
                    redis.stop();
                    here.awaitWork();
                    there.awaitWork();
                    redis = startRedis();
                    CompletableFuture<Duration> used = CompletableFuture.supplyAsync(this::awaitUse);
                    Map<String, Duration> recovery = here.recovery();
                    there.recovery().forEach((client, after) -> recovery.put(client + " there", after));
                    recovery.put("uses Redis", used.join());
                    return recovery;
                });
                here.end(server);
                there.end(otherDatabase);
                assertThat(here.followers()).noneMatch(TrackedFollower::isExpired);
                assertThat(there.followers()).noneMatch(TrackedFollower::isExpired);
            }
        } finally {
            server.execute("drop database " + name + " with (force)");
        }
        double before = sharedHits();
        Waiting.until(() -> {
            UUID user = UUID.randomUUID();
            insert(server, user, "Shared");
            clients.forEach(client -> client.data(
                    "query ($id: ID!) { user(id: $id) { name } }",
                    Map.of("id", new GlobalId(User.TYPE, user).toString())));
            return sharedHits() > before;
        });
    }

    /** Returns how long it takes until instances use Redis. */
    private Duration awaitUse() {
        long started = System.nanoTime();
        Waiting.until(() -> isRedisUsed(0) == 1 && isRedisUsed(1) == 1);
        return Duration.ofNanos(System.nanoTime() - started);
    }

    private double sharedHits() {
        return count(0, "shared hit") + count(1, "shared hit");
    }

    private static void insert(JdbcTemplate jdbc, UUID id, String name) {
        jdbc.update(
                "insert into users (id, name, email, active, created_at, updated_at, version)"
                        + " values (?, ?, ?, true, now(), now(), 0)",
                id,
                name,
                id + "@example.com");
    }

    private JdbcTemplate jdbc(String url) {
        return new JdbcTemplate(new DriverManagerDataSource(
                url, Objects.requireNonNull(postgres.getUsername()), Objects.requireNonNull(postgres.getPassword())));
    }

    @Test
    void stoppedRequestDoesNotPauseRedis() throws InterruptedException {
        SharedStore store = instances.getFirst().getBean(SharedStore.class);
        awaitRedis(store);
        Thread stopped = Thread.startVirtualThread(() -> {
            Thread.currentThread().interrupt();
            store.response("nothing");
        });

        stopped.join();

        assertThat(store.isPaused()).isFalse();
    }

    private static void awaitRedis(SharedStore store) {
        Waiting.until(() -> {
            boolean paused = store.isPaused();
            store.response("nothing");
            return !paused && !store.isPaused();
        });
    }

    /** An entry that another version has stored. */
    @Test
    void ignoresResponsesThatItCannotRead() {
        List<String> ids = new ArrayList<>();
        Waiting.until(() -> {
            ids.add(directory.createUser());
            return putsIntoRedis(() -> clients.get(0).data(USER, Map.of("id", ids.getLast())));
        });
        responsesInRedis().forEach(key -> ask(redis -> redis.set(key, "{}")));

        assertThat(clients.get(1)
                        .data(USER, Map.of("id", ids.getLast()))
                        .at("/user/version")
                        .asInt())
                .isZero();
    }

    @Test
    void serviceWorksWithoutRedis() throws Exception {
        String id = directory.createUser();
        List<Duration> times = new ArrayList<>();
        for (String how : List.of("frozen", "gone")) {
            if (how.equals("frozen")) {
                signal("-STOP");
            } else {
                signal("-CONT");
                redis.stop();
            }
            for (int i = 0; i < 10; i++) {
                int written = clients.get(i % 2)
                        .data(
                                "mutation ($id: ID!, $name: String!) { updateUser(id: $id, name: $name) { user { version } } }",
                                Map.of("id", id, "name", how + i))
                        .at("/updateUser/user/version")
                        .asInt();
                long start = System.nanoTime();
                int read = clients.get((i + 1) % 2)
                        .data(USER, Map.of("id", id))
                        .at("/user/version")
                        .asInt();
                times.add(Duration.ofNanos(System.nanoTime() - start));
                assertThat(read).isEqualTo(written);
            }
            // This also holds while Redis is not called.
            Waiting.until(() -> instances.stream()
                    .noneMatch(instance -> instance.getBean(SharedStore.class).isPaused()));
            assertThat(List.of(isRedisUsed(0), isRedisUsed(1))).as(how).containsOnly(0.0);
        }
        Collections.sort(times);
        assertThat(times.get(times.size() / 2)).as("%s", times).isLessThan(Duration.ofMillis(500));
        redis = startRedis();
        assertThat(clients.get(0)
                        .data(USER, Map.of("id", id))
                        .at("/user/version")
                        .asInt())
                .isEqualTo(20);
        Waiting.until(this::isShared);
        Waiting.until(() -> {
            clients.getFirst().data(USER, Map.of("id", directory.createUser()));
            return isRedisUsed(0) == 1;
        });
    }

    private double isRedisUsed(int instance) {
        return instances
                .get(instance)
                .getBean(MeterRegistry.class)
                .get("directory.cache.shared")
                .gauge()
                .value();
    }

    private double count(int instance, String result) {
        return instances
                .get(instance)
                .getBean(MeterRegistry.class)
                .get("directory.cache.requests")
                .tag("result", result)
                .counter()
                .count();
    }

    private ConfigurableApplicationContext start() {
        return start(postgres.getJdbcUrl());
    }

    private ConfigurableApplicationContext start(String url) {
        return Instance.start(
                new TestPostgres.Server(
                        url,
                        Objects.requireNonNull(postgres.getUsername()),
                        Objects.requireNonNull(postgres.getPassword())),
                "--spring.data.redis.url=redis://localhost:" + port);
    }

    private RedisServer startRedis() throws IOException {
        RedisServer server = RedisServer.newRedisServer()
                .port(port)
                .setting("bind 127.0.0.1")
                .setting("save \"\"")
                .build();
        server.start();
        return server;
    }

    private static void signal(String signal) throws IOException, InterruptedException {
        List<String> servers = ProcessHandle.current()
                .descendants()
                .filter(process -> process.info().command().orElse("").contains("redis-server"))
                .map(process -> String.valueOf(process.pid()))
                .toList();
        assertThat(servers).hasSize(1);
        assertThat(new ProcessBuilder("kill", signal, servers.getFirst())
                        .start()
                        .waitFor())
                .isZero();
    }
}
