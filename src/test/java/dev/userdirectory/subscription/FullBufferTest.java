package dev.userdirectory.subscription;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.userdirectory.Client;
import dev.userdirectory.Directory;
import dev.userdirectory.DirectoryTest;
import dev.userdirectory.Soak;
import dev.userdirectory.Tokens;
import dev.userdirectory.subscription.EventStreamClient.Event;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.context.SmartLifecycle;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.test.context.TestPropertySource;
import tools.jackson.databind.JsonNode;

/** Events that exceed the buffer in memory, stalled clients, and timeouts. */
@Soak("fills the buffers of sockets")
@DirectoryTest
@TestPropertySource(
        properties = {
            "directory.events.buffer=50",
            "directory.events.patience=3s",
            "directory.limits.aliases=1000",
            // Longer than a test needs, so that stalled streams stay open.
            "server.tomcat.connection-timeout=1m",
            "spring.graphql.websocket.connection-init-timeout=2s",
            "spring.graphql.websocket.keep-alive=1s"
        })
class FullBufferTest {
    private static final String READER = Tokens.withScopes("users:read");
    /** An event of about 20 kB: a few fill all buffers between the service and a client that does not read. */
    private static final String LARGE =
            "subscription ($after: String) { userEvents(after: $after) { cursor " + fields("c%d: cursor ", 400) + "} }";

    @Autowired
    Client client;

    @Autowired
    Directory directory;

    @Autowired
    JdbcTemplate jdbc;

    @Autowired
    MeterRegistry meters;

    @Autowired
    List<SmartLifecycle> lifecycles;

    @AfterEach
    void start() {
        lifecycles.stream().filter(part -> !part.isRunning()).forEach(SmartLifecycle::start);
    }

    /** There are far more events than fit into memory, so the service reads them from the table page by page first. */
    @Test
    void replaysEventsThatLeftTheBuffer() {
        String start = newestCursor();
        List<String> users = directory.createUsers(1000);
        directory.createUsers(1000);
        directory.createUser();
        List<String> expected = feed(start);
        try (SocketClient socket = SocketClient.connect(client.uri("/graphql"), READER)) {
            socket.subscribe(
                    "1",
                    "subscription ($after: String) { userEvents(after: $after) { cursor } }",
                    Map.of("after", start));
            List<String> cursors = new ArrayList<>();
            for (int i = 0; i < 2001; i++) {
                cursors.add(cursor(socket.expect("next")));
            }
            assertThat(cursors).isEqualTo(expected);

            // This user's last event has long left memory, and the newest event is another user's.
            socket.subscribe("2", """
                    subscription ($after: String, $user: ID) { userEvents(after: $after, userId: $user) { userId type } }
                    """, Map.of("after", start, "user", users.get(3)));
            assertThat(socket.expect("next").at("/payload/data/userEvents/type").asString())
                    .isEqualTo("CREATED");
            socket.send(Map.of("type", "complete", "id", "1"));
            socket.settle();
            jdbc.update("update users set name = 'Eve' where id in (select user_id from user_events"
                    + " where type = 'CREATED' order by transaction desc, sequence desc limit 2001)");
            assertThat(socket.expect("next").at("/payload/data/userEvents/type").asString())
                    .isEqualTo("UPDATED");
            assertThat(socket.poll(Duration.ofMillis(500))).isNull();
        }
    }

    /** More events than a page of the table lie before the only one that the filter selects, and behind it. */
    @Test
    void replaysPastEventsThatTheFilterDoesNotSelect() {
        String start = newestCursor();
        directory.createUsers(1000);
        String group = directory.createGroup("Found", List.of());
        directory.createUsers(1000);
        try (SocketClient socket = SocketClient.connect(client.uri("/graphql"), READER)) {
            socket.subscribe("1", """
                    subscription ($after: String) {
                      directoryEvents(after: $after, types: [GROUP_CREATED]) { ... on GroupCreated { groupId } }
                    }""", Map.of("after", start));
            String id = "/payload/data/directoryEvents/groupId";
            assertThat(socket.expect("next").at(id).asString()).isEqualTo(group);

            String later = directory.createGroup("Later", List.of());
            assertThat(socket.expect("next").at(id).asString()).isEqualTo(later);
        }
    }

    @Test
    void stalledSocketSubscriptionEndsAndCanResume() {
        String start = newestCursor();
        try (SocketClient socket = SocketClient.connect(client.uri("/graphql"), READER)) {
            socket.subscribe("1", LARGE, Map.of());
            socket.settle();
            directory.createUser();
            List<String> cursors = new ArrayList<>(List.of(cursor(socket.expect("next"))));
            socket.stopReading();
            directory.createUsers(1000);
            List<String> expected = feed(start);
            pause();
            socket.readAgain();
            JsonNode message = socket.poll(Duration.ofSeconds(10));
            while (message != null && message.get("type").asString().equals("next")) {
                cursors.add(cursor(message));
                message = socket.poll(Duration.ofSeconds(10));
            }
            Objects.requireNonNull(message);
            assertThat(message.at("/type").asString()).isEqualTo("error");
            assertThat(message.at("/payload/0/extensions/code").asString()).isEqualTo("TOO_SLOW");
            assertThat(message.at("/payload/0/extensions/lastCursor").asString())
                    .isEqualTo(cursors.getLast());
            assertThat(cursors).hasSizeLessThan(1000);

            socket.subscribe("1", LARGE, Map.of("after", cursors.getLast()));
            while (cursors.size() < expected.size()) {
                cursors.add(cursor(socket.expect("next")));
            }
            assertThat(cursors).isEqualTo(expected);
        }
    }

    @Test
    void stalledStreamEndsAndCanResume() throws IOException, InterruptedException {
        String start = newestCursor();
        List<String> cursors = new ArrayList<>();
        List<String> expected;
        try (EventStreamClient stream = stream(null)) {
            directory.createUser();
            cursors.add(stream.expect("next").id());
            stream.stopReading();
            directory.createUsers(1000);
            expected = feed(start);
            pause();
            stream.readAgain();
            Event event = stream.expect("next");
            while (!event.data().has("errors")) {
                cursors.add(event.id());
                event = stream.expect("next");
            }
            assertThat(event.data().at("/errors/0/extensions/code").asString()).isEqualTo("TOO_SLOW");
            assertThat(event.data().at("/errors/0/extensions/lastCursor").asString())
                    .isEqualTo(cursors.getLast());
            assertThat(cursors).hasSizeLessThan(1000);
            stream.expect("complete");
            stream.expect("end");
        }
        try (EventStreamClient stream = stream(cursors.getLast())) {
            while (cursors.size() < expected.size()) {
                cursors.add(stream.expect("next").id());
            }
            assertThat(cursors).isEqualTo(expected);
        }
    }

    /** Buffering all results for each socket would take more than half a gigabyte. */
    @Test
    void buffersLittleForStalledSockets() {
        List<SocketClient> sockets = new ArrayList<>();
        try {
            for (int i = 0; i < 20; i++) {
                SocketClient socket = SocketClient.connect(client.uri("/graphql"), READER);
                sockets.add(socket);
                socket.subscribe("1", LARGE, Map.of());
                socket.settle();
                socket.stopReading();
            }
            long before = usedHeap();
            directory.createUsers(1000);
            pause();

            assertThat(usedHeap() - before).isLessThan(150 << 20);
        } finally {
            sockets.forEach(SocketClient::close);
        }
    }

    @Test
    void pingsClients() throws IOException, InterruptedException {
        try (SocketClient socket = SocketClient.connect(client.uri("/graphql"), READER);
                EventStreamClient stream = stream(null)) {
            socket.awaitPing();
            socket.awaitPing();
            // The first ping sends the headers of the response.
            await().until(() -> stream.comments() >= 3);
        }
    }

    @Test
    void reportsExpiredCursorToSocketAndStream() throws IOException, InterruptedException {
        directory.createUser();
        jdbc.update("update users set active = not active");
        // PostgreSQL's own background transactions may hold back the newest event.
        await().until(() -> jdbc.queryForObject(
                "select max(transaction) < pg_snapshot_xmin(pg_current_snapshot())::text::bigint from user_events",
                Boolean.class));
        String start = client.data("{ userEvents { newestCursor } }")
                .at("/userEvents/newestCursor")
                .asString();
        directory.createUsers(3);
        // Deletes only updates, so that no creation is lost before it is counted.
        jdbc.update("delete from user_events where type = 'UPDATED'");
        try (SocketClient socket = SocketClient.connect(client.uri("/graphql"), READER);
                EventStreamClient stream = stream(start)) {
            socket.subscribe("1", LARGE, Map.of("after", start));

            assertThat(socket.expect("error").at("/payload/0/extensions/code").asString())
                    .isEqualTo("EVENTS_EXPIRED");
            assertThat(stream.expect("next")
                            .data()
                            .at("/errors/0/extensions/code")
                            .asString())
                    .isEqualTo("EVENTS_EXPIRED");
        }
    }

    @Test
    void closesSocketsThatAreNotInitializedInTime() {
        try (SocketClient socket = SocketClient.open(client.uri("/graphql"), Map.of())) {
            assertThat(socket.closed().code()).isEqualTo(4408);
        }
    }

    @Test
    void asksClientsToReconnectDuringShutdown() throws IOException, InterruptedException {
        try (SocketClient socket = SocketClient.connect(client.uri("/graphql"), READER);
                EventStreamClient stream = stream(null)) {
            socket.subscribe("1", LARGE, Map.of());
            socket.settle();
            lifecycles.stream()
                    .filter(part -> part instanceof Sockets || part instanceof EventStreams)
                    .forEach(SmartLifecycle::stop);

            assertThat(socket.closed().code()).isEqualTo(1012);
            stream.expect("end");
            try (SocketClient late = SocketClient.open(client.uri("/graphql"), Map.of());
                    EventStreamClient lateStream = stream(null)) {
                assertThat(late.closed().code()).isEqualTo(1012);
                assertThat(lateStream.status()).isEqualTo(503);
            }
        }
    }

    private EventStreamClient stream(@Nullable String lastEventId) throws IOException, InterruptedException {
        return new EventStreamClient(client.uri("/graphql"), READER, LARGE, Map.of(), lastEventId);
    }

    private String newestCursor() {
        directory.createUser();
        return client.data("{ userEvents { newestCursor } }")
                .at("/userEvents/newestCursor")
                .asString();
    }

    /** The cursors after the given one, as {@code Query.userEvents} returns them. */
    private List<String> feed(@Nullable String after) {
        List<String> cursors = new ArrayList<>();
        while (true) {
            JsonNode edges = client.data(
                            "query ($after: String) { userEvents(first: 100, after: $after) { edges { cursor } } }",
                            after == null ? Map.of() : Map.of("after", after))
                    .at("/userEvents/edges");
            if (edges.isEmpty()) {
                return cursors;
            }
            cursors.addAll(edges.findValuesAsString("cursor"));
            after = cursors.getLast();
        }
    }

    private static String cursor(JsonNode next) {
        return next.at("/payload/data/userEvents/cursor").asString();
    }

    private static String fields(String field, int count) {
        StringBuilder fields = new StringBuilder();
        for (int i = 0; i < count; i++) {
            fields.append(field.formatted(i));
        }
        return fields.toString();
    }

    private static long usedHeap() {
        System.gc();
        return ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed();
    }

    /** Waits until the buffers are full and the time limit for a stalled client is over. */
    private void pause() {
        AtomicLong executed = new AtomicLong();
        await().atMost(Duration.ofMinutes(1))
                .during(Duration.ofSeconds(4))
                .until(() -> executed.getAndSet(executions()) == executed.get());
    }

    /** The events that have been executed so far. */
    private long executions() {
        return meters.find("directory.subscription.events").timers().stream()
                .mapToLong(Timer::count)
                .sum();
    }
}
