package dev.userdirectory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.userdirectory.event.TrackedFollower;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.springframework.jdbc.core.JdbcTemplate;
import tools.jackson.databind.JsonNode;

/**
 * While a test causes a fault, four clients create users and find them, one updates each of a few others, two read
 * each of these, one counts all users, four follow, and one checks the service's health. Each checks the promises of
 * {@code docs/faults.md}.
 */
public final class Load implements AutoCloseable {
    private final CheckedClient client;
    private final List<String> updated;
    private final String start;
    private final List<TrackedFollower> followers = new ArrayList<>();
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private volatile boolean running = true;

    public Load(Client instance) {
        this("Somebody", List.of(instance), List.of());
    }

    /**
     * @param name the name of all users in this directory, and in no other
     * @param users the users to update; if there are none, two are created
     */
    public Load(String name, List<Client> instances, List<String> users) {
        client = new CheckedClient(name, instances);
        updated = new ArrayList<>(users);
        do {
            // The first requests of a test run are slow, because they also load classes.
            Waiting.until(() -> client.succeeds(client::create));
            updated.add(client.newest());
        } while (updated.size() < 2);
        start = newestCursor(instances.getFirst());
        for (String fields : List.of("", "user { name }", "", "user { name }")) {
            follow(start, fields);
        }
        for (int i = 0; i < 4; i++) {
            repeat(client::create);
        }
        for (String user : updated) {
            repeat(() -> client.update(user));
            repeat(() -> client.read(user));
            repeat(() -> client.read(user));
        }
        repeat(client::count);
        repeat(client::probe);
        awaitWork();
    }

    private static String newestCursor(Client instance) {
        JsonNode cursor =
                instance.data("{ userEvents(first: 0) { newestCursor } }").at("/userEvents/newestCursor");
        return cursor.isString() ? cursor.asString() : newestCursor(instance);
    }

    private TrackedFollower follow(String cursor, String fields) {
        TrackedFollower follower = new TrackedFollower(client.uri(), Tokens.withScopes("users:read"), cursor, fields);
        followers.add(follower);
        return follower;
    }

    private void repeat(Callable<Boolean> request) {
        threads.execute(() -> {
            while (running) {
                client.succeeds(request);
            }
        });
    }

    public List<TrackedFollower> followers() {
        return followers;
    }

    /** Starts a follower that resumes with the first cursor, which is older than all writes of the clients. */
    public TrackedFollower resumeFromStart() {
        return follow(start, "");
    }

    /**
     * Returns once the clients have written and read a while longer, and followers have received events of that time.
     */
    public void awaitWork() {
        int reads = client.reads.get() + 100;
        int writes = client.writes.get() + 100;
        Waiting.until(() -> client.reads.get() >= reads && client.writes.get() >= writes);
        String event = "CREATED " + client.newest();
        for (TrackedFollower follower : followers) {
            Waiting.until(() -> follower.isExpired() || follower.events().contains(event));
        }
    }

    public void awaitFailures(int count) {
        int failures = client.failures.size() + count;
        Waiting.until(() -> client.failures.size() >= failures);
    }

    /** Expects every write acknowledged so far to survive the loss of later ones. */
    public void expectKeptWrites() {
        client.expectKeptWrites();
    }

    /** Expects the loss of all other acknowledged writes. The database must not be serving requests. */
    public void expectLostWrites() {
        client.expectLostWrites();
    }

    /**
     * Must be called as soon as the cause of a fault has been removed. Returns the time that each kind of client then
     * needed to succeed, and the time until the last failed request was sent.
     */
    public Map<String, Duration> recovery() {
        long removed = System.nanoTime();
        Map<String, Callable<Boolean>> signs = new LinkedHashMap<>();
        signs.put("reads", () -> client.succeeds(() -> client.read(updated.getFirst())));
        signs.put("writes", () -> client.succeeds(client::create));
        signs.put("follows", event(followers.get(0)));
        signs.put("follows with users", event(followers.get(1)));
        signs.put("resumes", event(follow(followers.getFirst().last(), "")));
        signs.put("resumes from the beginning", event(resumeFromStart()));
        Map<String, CompletableFuture<Duration>> recoveries = new LinkedHashMap<>();
        signs.forEach((kind, sign) -> recoveries.put(
                kind,
                CompletableFuture.supplyAsync(
                        () -> {
                            Waiting.until(sign);
                            return Duration.ofNanos(System.nanoTime() - removed);
                        },
                        threads)));
        Map<String, Duration> result = new LinkedHashMap<>();
        recoveries.forEach((kind, recovered) -> result.put(kind, recovered.join()));
        awaitWork();
        client.failures.stream()
                .map(sent -> Duration.ofNanos(sent - removed))
                .filter(Duration::isPositive)
                .max(Duration::compareTo)
                .ifPresent(last -> result.put("last failed request", last));
        return result;
    }

    /** Whether the follower has received an event since this call, or been told that its cursor has expired. */
    private static Callable<Boolean> event(TrackedFollower follower) {
        int before = follower.events().size();
        return () -> follower.isExpired() || follower.events().size() > before;
    }

    /** Stops the clients, and compares their responses with the database. */
    public void end(JdbcTemplate database) {
        running = false;
        threads.close();
        for (TrackedFollower follower : followers) {
            await().atMost(Duration.ofMinutes(1))
                    .untilAsserted(() -> assertThat(follower.events())
                            .satisfiesAnyOf(
                                    events -> assertThat(events).isEqualTo(follower.expected(database)),
                                    events -> assertThat(follower.isExpired()).isTrue()));
        }
        assertThat(followers).noneMatch(TrackedFollower::isIncomplete);
        client.assertThatNoAcknowledgedWriteIsMissing(database);
        System.out.printf(
                "%d writes, %d reads, %d failed requests, %d events%n",
                client.writes.get(),
                client.reads.get(),
                client.failures.size(),
                followers.getLast().events().size());
    }

    @Override
    public void close() {
        running = false;
        threads.close();
        followers.forEach(TrackedFollower::close);
    }
}
