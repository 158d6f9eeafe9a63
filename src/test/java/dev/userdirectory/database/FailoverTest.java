package dev.userdirectory.database;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.userdirectory.Client;
import dev.userdirectory.Directory;
import dev.userdirectory.DirectoryTest;
import dev.userdirectory.PostgresPair;
import dev.userdirectory.Soak;
import dev.userdirectory.SwitchableProxy;
import dev.userdirectory.TestPostgres;
import dev.userdirectory.Tokens;
import dev.userdirectory.Waiting;
import dev.userdirectory.event.TrackedFollower;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
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

/** While clients write, read and follow, a standby stalls, the primary is killed, and the standby is promoted. */
@Soak("promotes a standby")
@DirectoryTest
@Import(FailoverTest.Primaries.class)
@TestPropertySource(properties = {"directory.limits.deadline=2s", "logging.level.dev.userdirectory=off"})
@Timeout(180)
class FailoverTest {
    private static final PostgresPair SERVERS = new PostgresPair();
    private static final SwitchableProxy PROXY =
            new SwitchableProxy(SERVERS.primary().getPort());
    private static final Duration RECOVERY = Duration.ofSeconds(10);
    private static final String CREATE =
            "mutation ($email: String!) { createUser(name: \"Written\", email: $email) { user { id } errors { code } } }";
    private static final String UPDATE =
            "mutation ($id: ID!, $name: String!) { updateUser(id: $id, name: $name) { user { version } } }";
    private static final String USER = "query ($id: ID!) { user(id: $id) { version } }";

    private final AtomicBoolean running = new AtomicBoolean(true);
    private final Queue<String> acknowledged = new ConcurrentLinkedQueue<>();
    private final Queue<String> violations = new ConcurrentLinkedQueue<>();
    private final AtomicInteger reads = new AtomicInteger();
    private final AtomicInteger failures = new AtomicInteger();

    @Autowired
    Client client;

    @Autowired
    Directory directory;

    @TestConfiguration(proxyBeanMethods = false)
    static class Primaries {
        @Bean
        @Primary
        JdbcConnectionDetails proxied() {
            return new TestPostgres.Server(
                    "jdbc:postgresql://127.0.0.1:" + PROXY.port() + "/postgres", "postgres", "postgres");
        }
    }

    @Test
    void losesNoAcknowledgedWriteAndReturnsNoStaleData() throws Exception {
        // The first requests of a test run also load classes, which takes long.
        await().atMost(Duration.ofMinutes(1))
                .until(() -> !client.execute(CREATE, Map.of("email", Directory.newEmail()))
                        .has("errors"));
        SERVERS.synchronousStandby(true);
        List<String> users = directory.createUsers(2);
        String start = await().until(
                        () -> client.data("{ userEvents(first: 0) { newestCursor } }")
                                .at("/userEvents/newestCursor"),
                        JsonNode::isString)
                .asString();
        List<TrackedFollower> followers = new ArrayList<>();
        List<Future<?>> clients = new ArrayList<>();
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            try {
                followers.add(follow(start, ""));
                followers.add(follow(start, "user { version }"));
                for (int i = 0; i < 4; i++) {
                    clients.add(threads.submit(this::create));
                }
                for (String user : users) {
                    AtomicInteger version = new AtomicInteger();
                    clients.add(threads.submit(() -> update(user, version)));
                    clients.add(threads.submit(() -> read(user, version)));
                    clients.add(threads.submit(() -> read(user, version)));
                }
                awaitWrites();
                SERVERS.freezeReplica(true);
                Waiting.until(() -> failures.get() >= 6);
                SERVERS.kill(SERVERS.primary());
                SERVERS.freezeReplica(false);
                new JdbcTemplate(SERVERS.replica().getPostgresDatabase())
                        .queryForObject("select pg_promote()", Boolean.class);
                int before = acknowledged.size();
                PROXY.switchTo(SERVERS.replica().getPort());

                await().atMost(RECOVERY).until(() -> acknowledged.size() > before);
                followers.add(follow(start, ""));
                awaitWrites();
            } finally {
                running.set(false);
            }
        }
        for (Future<?> each : clients) {
            each.get();
        }
        JdbcTemplate promoted = new JdbcTemplate(SERVERS.replica().getPostgresDatabase());
        for (TrackedFollower follower : followers) {
            Waiting.until(() -> follower.isExpired() || follower.events().equals(follower.expected(promoted)));
            System.out.printf("%d events, errors %s%n", follower.events().size(), follower.errors());
            follower.close();
        }
        // The standby had long received the events that the follower has seen.
        assertThat(followers.getLast().isExpired()).isFalse();
        List<@Nullable String> stored = promoted.queryForList("select email from users", String.class);
        System.out.printf(
                "%d creations acknowledged, %d writes failed, %d reads%n",
                acknowledged.size(), failures.get(), reads.get());

        assertThat(stored).containsAll(acknowledged);
        assertThat(violations).isEmpty();
        assertThat(failures).as("writes that failed").hasPositiveValue();
    }

    private TrackedFollower follow(String start, String fields) {
        return new TrackedFollower(client.uri("/graphql"), Tokens.withScopes("users:read"), start, fields);
    }

    /** Returns once all clients have written and read a while longer. */
    private void awaitWrites() {
        int writes = acknowledged.size() + 100;
        int readsBefore = reads.get();
        Waiting.until(() -> acknowledged.size() >= writes && reads.get() >= readsBefore + 100);
    }

    private void create() {
        while (running.get()) {
            String email = Directory.newEmail();
            JsonNode response = client.execute(CREATE, Map.of("email", email));
            if (response.at("/data/createUser/user/id").isString()) {
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
            if (read.isInt()) {
                reads.incrementAndGet();
                if (read.asInt() < least) {
                    violations.add(read + " was read after " + least + " had been acknowledged");
                }
            }
        }
    }
}
