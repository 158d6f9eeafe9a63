package dev.userdirectory.database;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.userdirectory.Client;
import dev.userdirectory.Directory;
import dev.userdirectory.DirectoryTest;
import dev.userdirectory.Soak;
import dev.userdirectory.TestPostgres;
import dev.userdirectory.Tokens;
import dev.userdirectory.database.FrozenDatabaseTest.Proxy;
import dev.userdirectory.event.TrackedFollower;
import java.io.IOException;
import java.net.http.HttpRequest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Queue;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.beans.factory.annotation.Qualifier;
import org.springframework.boot.jdbc.autoconfigure.JdbcConnectionDetails;
import org.springframework.boot.test.context.TestConfiguration;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Import;
import org.springframework.context.annotation.Primary;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.jdbc.datasource.DriverManagerDataSource;
import org.springframework.test.context.TestPropertySource;
import tools.jackson.databind.JsonNode;

/**
 * For a while, under load, everything that the service and PostgreSQL send each other is lost. All settings have their
 * defaults. {@code -Ddirectory.test.silence=60} makes that a minute; the default is shorter to save time, but longer
 * than any timeout that followers and requests wait for.
 */
@Soak("waits for timeouts of a silent network")
@DirectoryTest
@Import(SilentNetworkTest.Proxied.class)
@TestPropertySource(properties = "logging.level.dev.userdirectory=off")
@Timeout(240)
class SilentNetworkTest {
    private static final Duration SILENCE = Duration.ofSeconds(Integer.getInteger("directory.test.silence", 12));
    /** Five seconds are promised on a machine with time to spare, which those that run tests do not always have. */
    private static final Duration RECOVERY = Duration.ofSeconds(10);

    private static final String CREATE =
            "mutation ($email: String!) { createUser(name: \"Written\", email: $email) { user { id } } }";
    private static final String UPDATE =
            "mutation ($id: ID!, $name: String!) { updateUser(id: $id, name: $name) { user { version } } }";
    private static final String USER = "query ($id: ID!) { user(id: $id) { version } }";

    private final AtomicBoolean running = new AtomicBoolean(true);
    private final Queue<String> acknowledged = new ConcurrentLinkedQueue<>();
    private final Queue<String> violations = new ConcurrentLinkedQueue<>();
    private final AtomicInteger failures = new AtomicInteger();

    @Autowired
    Client client;

    @Autowired
    Directory directory;

    @Autowired
    Proxy proxy;

    @Autowired
    @Qualifier("jdbcConnectionDetails")
    JdbcConnectionDetails direct;

    @TestConfiguration(proxyBeanMethods = false)
    static class Proxied {
        @Bean(destroyMethod = "close")
        Proxy proxy(TestPostgres postgres) throws IOException {
            return new Proxy(postgres.jdbcConnectionDetails());
        }

        @Bean
        @Primary
        JdbcConnectionDetails proxied(Proxy proxy) {
            return proxy.details();
        }
    }

    @Test
    void recoversWithinTenSeconds() throws Exception {
        // The first requests of a test run also load classes, which takes long.
        await().atMost(Duration.ofMinutes(1)).until(this::writes);
        String start = await().until(
                        () -> client.data("{ userEvents(first: 0) { newestCursor } }")
                                .at("/userEvents/newestCursor"),
                        JsonNode::isString)
                .asString();
        List<String> users = directory.createUsers(2);
        List<Future<?>> clients = new ArrayList<>();
        List<TrackedFollower> followers = new ArrayList<>();
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            try {
                for (String fields : List.of("", "user { name }", "", "user { name }")) {
                    followers.add(new TrackedFollower(
                            client.uri("/graphql"), Tokens.withScopes("users:read"), start, fields));
                }
                for (int i = 0; i < 4; i++) {
                    clients.add(threads.submit(this::create));
                }
                for (String user : users) {
                    AtomicInteger version = new AtomicInteger();
                    clients.add(threads.submit(() -> update(user, version)));
                    clients.add(threads.submit(() -> read(user, version)));
                    clients.add(threads.submit(() -> read(user, version)));
                }
                clients.add(threads.submit(this::probe));
                Thread.sleep(Duration.ofSeconds(2));
                proxy.freeze();
                Thread.sleep(SILENCE);
                proxy.replace();

                Map<String, Duration> recoveries = recoveries(followers.get(0), followers.get(1), start);
                System.out.println("After " + SILENCE + ": " + recoveries);
                assertThat(recoveries.values()).allMatch(time -> time.compareTo(RECOVERY) < 0, "soon enough");
                Thread.sleep(Duration.ofSeconds(2));
            } finally {
                running.set(false);
            }
            for (Future<?> each : clients) {
                each.get();
            }
            JdbcTemplate jdbc = jdbc();
            for (TrackedFollower follower : followers) {
                await().atMost(Duration.ofSeconds(30))
                        .until(() -> follower.isExpired()
                                || follower.events().size()
                                        >= follower.expected(jdbc).size());
                assertThat(follower.isExpired()).isFalse();
                assertThat(follower.events()).isEqualTo(follower.expected(jdbc));
                System.out.println(follower.errors());
            }
            assertThat(jdbc.queryForList("select email from users", String.class))
                    .containsAll(acknowledged);
            assertThat(violations).isEmpty();
            assertThat(failures).hasPositiveValue();
        } finally {
            followers.forEach(TrackedFollower::close);
        }
    }

    /** In that case all of the pool's connections are silent, and none is known to be. */
    @Test
    void recoversWithinFiveSecondsAfterSilenceWithoutRequests() throws Exception {
        await().atMost(Duration.ofMinutes(1)).until(this::writes);
        Thread.sleep(Duration.ofSeconds(1));

        proxy.replace();

        // Checking all ten in turn would take ten seconds, and two requests.
        await().atMost(Duration.ofSeconds(5)).until(this::reads);
    }

    /** How long each client took to work again. */
    private Map<String, Duration> recoveries(TrackedFollower plain, TrackedFollower withUser, String start) {
        long replaced = System.nanoTime();
        int events = plain.events().size();
        int eventsWithUser = withUser.events().size();
        Map<String, Callable<Boolean>> signs = new LinkedHashMap<>();
        signs.put("reads", this::reads);
        signs.put("writes", this::writes);
        signs.put("follows", () -> plain.events().size() > events);
        signs.put("follows with users", () -> withUser.events().size() > eventsWithUser);
        signs.put("resumes", () -> {
            try (TrackedFollower resumed =
                    new TrackedFollower(client.uri("/graphql"), Tokens.withScopes("users:read"), start, "")) {
                await().atMost(Duration.ofSeconds(30))
                        .until(() -> !resumed.events().isEmpty());
                return true;
            }
        });
        Map<String, CompletableFuture<Duration>> recovered = new LinkedHashMap<>();
        signs.forEach((name, sign) -> recovered.put(
                name,
                CompletableFuture.supplyAsync(
                        () -> {
                            await().atMost(Duration.ofMinutes(1)).until(sign);
                            return Duration.ofNanos(System.nanoTime() - replaced);
                        },
                        task -> Thread.startVirtualThread(task))));
        Map<String, Duration> result = new LinkedHashMap<>();
        recovered.forEach((name, after) -> result.put(name, after.join()));
        return result;
    }

    private boolean reads() {
        return !client.execute("{ users(first: 1) { nodes { id } } }", Map.of()).has("errors");
    }

    private boolean writes() {
        return !client.execute(CREATE, Map.of("email", Directory.newEmail())).has("errors");
    }

    private void probe() {
        while (running.get()) {
            client.send(HttpRequest.newBuilder(client.uri("/actuator/health")).build());
        }
    }

    private void create() {
        while (running.get()) {
            String email = Directory.newEmail();
            if (client.execute(CREATE, Map.of("email", email))
                    .at("/data/createUser/user/id")
                    .isString()) {
                acknowledged.add(email);
            } else {
                failures.incrementAndGet();
            }
        }
    }

    private void update(String user, AtomicInteger version) {
        while (running.get()) {
            JsonNode written = client.execute(UPDATE, Map.of("id", user, "name", Directory.newEmail()))
                    .at("/data/updateUser/user/version");
            if (written.isInt()) {
                version.set(written.asInt());
            } else {
                failures.incrementAndGet();
            }
        }
    }

    private void read(String user, AtomicInteger version) {
        while (running.get()) {
            int least = version.get();
            JsonNode read = client.execute(USER, Map.of("id", user)).at("/data/user/version");
            if (read.isInt() && read.asInt() < least) {
                violations.add(read + " was read after " + least + " had been acknowledged");
            }
        }
    }

    private JdbcTemplate jdbc() {
        return new JdbcTemplate(new DriverManagerDataSource(
                direct.getJdbcUrl(),
                Objects.requireNonNull(direct.getUsername()),
                Objects.requireNonNull(direct.getPassword())));
    }
}
