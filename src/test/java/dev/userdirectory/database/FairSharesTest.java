package dev.userdirectory.database;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.userdirectory.Client;
import dev.userdirectory.Directory;
import dev.userdirectory.DirectoryTest;
import dev.userdirectory.Locks;
import dev.userdirectory.Tokens;
import io.micrometer.core.instrument.MeterRegistry;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.test.context.TestPropertySource;
import tools.jackson.databind.JsonNode;

/** One subject has many requests that wait for a table that the test has locked. Another sends other requests. */
@DirectoryTest
@TestPropertySource(properties = {"directory.limits.deadline=20s", "spring.datasource.hikari.maximum-pool-size=4"})
class FairSharesTest {
    @Autowired
    Client client;

    @Autowired
    Directory directory;

    @Autowired
    MeterRegistry meters;

    @Test
    void oneSubjectsSlowQueriesDelayNoOtherSubject() throws Exception {
        String id = directory.createUser();
        List<String> groups = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            groups.add(directory.createGroup("Slow", List.of(id)));
        }
        Client hog = client.withToken(Tokens.of("hog", "users:read"));
        Client other = client.withToken(Tokens.of("other", "users:read"));
        other.data("query ($id: ID!) { user(id: $id) { name } }", Map.of("id", id));
        // From now on, the cache knows that the page is the same for both subjects.
        String page = "{ users(first: 37) { nodes { name } } }";
        other.data(page);
        directory.createUser();

        List<CompletableFuture<JsonNode>> slow = new ArrayList<>();
        try (Locks held = Locks.holding("groups")) {
            for (String group : groups) {
                slow.add(CompletableFuture.supplyAsync(
                        () -> hog.execute("query ($id: ID!) { group(id: $id) { name } }", Map.of("id", group)),
                        task -> Thread.startVirtualThread(task)));
            }
            await().until(() -> waiting() >= 15);

            for (int i = 0; i < 10; i++) {
                long started = System.nanoTime();
                // Each query is different, so that no response is cached.
                other.data("query ($id: ID!) { a" + i + ": user(id: $id) { name } }", Map.of("id", id));
                other.data("query ($first: Int) { users(first: $first) { nodes { name } } }", Map.of("first", i + 1));
                assertThat(Duration.ofNanos(System.nanoTime() - started)).isLessThan(Duration.ofSeconds(4));
            }

            double before = waiting();
            // The cache executes equal requests once. The hog's comes first, and queues behind its slow requests.
            CompletableFuture<JsonNode> samePage = CompletableFuture.supplyAsync(
                    () -> hog.execute(page, Map.of()), task -> Thread.startVirtualThread(task));
            await().until(() -> waiting() > before);
            long started = System.nanoTime();
            other.data(page);
            assertThat(Duration.ofNanos(System.nanoTime() - started)).isLessThan(Duration.ofSeconds(4));
            assertThat(samePage).succeedsWithin(Duration.ofSeconds(4));

            assertThat(slow).noneMatch(CompletableFuture::isDone);
        }
        for (CompletableFuture<JsonNode> response : slow) {
            assertThat(response.join().at("/data/group/name").asString()).isEqualTo("Slow");
        }
    }

    private double waiting() {
        return meters.get("directory.connections.waiting")
                .tag("pool", "primary")
                .gauge()
                .value();
    }
}
