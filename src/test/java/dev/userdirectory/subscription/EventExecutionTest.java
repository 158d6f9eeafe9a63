package dev.userdirectory.subscription;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.userdirectory.Client;
import dev.userdirectory.Directory;
import dev.userdirectory.DirectoryTest;
import dev.userdirectory.Locks;
import dev.userdirectory.TestPostgres;
import dev.userdirectory.Tokens;
import dev.userdirectory.relay.GlobalIds;
import dev.userdirectory.subscription.EventStreamClient.Event;
import io.micrometer.core.instrument.MeterRegistry;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.test.context.TestPropertySource;
import tools.jackson.databind.JsonNode;

/** Events whose execution has to wait for PostgreSQL. */
@DirectoryTest
@TestPropertySource(
        properties = {
            "spring.datasource.hikari.data-source-properties.ApplicationName=events",
            "directory.limits.deadline=3s",
            "spring.graphql.http.sse.keep-alive=1s",
            "logging.level.dev.userdirectory.graphql.operation.DeadlineInterceptor=error"
        })
class EventExecutionTest {
    private static final String EVENTS = "subscription { userEvents { cursor userId user { groups { totalCount } } } }";
    private static final String READER = Tokens.withScopes("users:read");

    @Autowired
    Client client;

    @Autowired
    Directory directory;

    @Autowired
    GlobalIds ids;

    @Autowired
    MeterRegistry meters;

    /** The first requests of a test run are slow, because they also load classes. */
    @BeforeEach
    void warmUp() {
        // A stream whose client has disconnected executes events until the next ping.
        await().atMost(Duration.ofSeconds(30))
                .until(() -> meters.get("directory.feed.subscribers").gauge().value() == 0);
        await().until(() -> !client.execute("{ users(first: 1) { nodes { groups { totalCount } } } }", Map.of())
                .has("errors"));
    }

    @Test
    void answersQueriesWhileEventsWaitAndStopsEventsOfClosedSocket() throws Exception {
        String user = directory.createUser();
        directory.createGroup("Of somebody", List.of(user));
        try (SocketClient socket = SocketClient.connect(client.uri("/graphql"), READER);
                SocketClient another = SocketClient.connect(client.uri("/graphql"), READER)) {
            for (int i = 1; i <= 12; i++) {
                for (SocketClient each : List.of(socket, another)) {
                    each.subscribe(
                            "" + i,
                            "subscription { userEvents { user { groups(first: " + i
                                    + ") { nodes { members(first: 1) { totalCount } } } } } }",
                            Map.of());
                }
            }
            socket.settle();
            another.settle();
            try (Locks lock = changeAndLock("group_members", user)) {
                await().until(() -> !running("group_members").isEmpty());

                List<Duration> times = new ArrayList<>();
                for (int i = 0; i < 10; i++) {
                    long started = System.nanoTime();
                    client.data("{ users(first: " + (i + 1) + ") { nodes { id } } }");
                    times.add(Duration.ofNanos(System.nanoTime() - started));
                    assertThat(running("group_members")).hasSizeBetween(1, 4);
                }
                Collections.sort(times);
                assertThat(times.get(5)).as("%s", times).isLessThan(Duration.ofMillis(300));

                socket.cut();
                another.cut();
                await().atMost(Duration.ofMillis(2500)).until(() -> running("group_members"), List::isEmpty);
            }
        }
    }

    @Test
    void retriesEventThatExceedsItsDeadline() throws Exception {
        try (SocketClient socket = SocketClient.connect(client.uri("/graphql"), READER)) {
            socket.subscribe("1", EVENTS, Map.of());
            socket.settle();
            String user = directory.createUser();
            socket.expect("next");
            try (Locks lock = changeAndLock("group_members", user)) {
                assertThat(socket.poll(Duration.ofMillis(3500))).isNull();
            }

            JsonNode event = socket.expect("next").at("/payload/data/userEvents");
            assertThat(event.get("userId").asString()).isEqualTo(user);
            assertThat(event.at("/user/groups/totalCount").asInt()).isZero();
        }
    }

    @Test
    void retriesEventThatFailsSinceItsConnectionHasEnded() throws Exception {
        String user = directory.createUser();
        try (SocketClient socket = SocketClient.connect(client.uri("/graphql"), READER)) {
            socket.subscribe("1", EVENTS, Map.of());
            socket.settle();
            for (int i = 0; i < 5; i++) {
                // The pool does not check connections that were used just now.
                client.data("{ users(first: " + (i + 1) + ") { nodes { groups { totalCount } } } }");
                query("select pg_terminate_backend(pid)::text from pg_stat_activity where application_name = 'events'");
                change(user);

                JsonNode payload = socket.expect("next").get("payload");
                assertThat(payload.has("errors")).as("%s", payload).isFalse();
                assertThat(payload.at("/data/userEvents/user/groups/totalCount").asInt(-1))
                        .isZero();
            }
        }
    }

    @Test
    void reportsTheLastCursorWhenAnEventKeepsExceedingItsDeadline() throws Exception {
        try (SocketClient socket = SocketClient.connect(client.uri("/graphql"), READER);
                EventStreamClient stream =
                        new EventStreamClient(client.uri("/graphql"), READER, EVENTS, Map.of(), null)) {
            socket.subscribe("1", EVENTS, Map.of());
            socket.settle();
            String user = directory.createUser();
            String cursor =
                    socket.expect("next").at("/payload/data/userEvents/cursor").asString();
            assertThat(stream.expect("next").id()).isEqualTo(cursor);
            JsonNode error;
            Event last;
            try (Locks lock = changeAndLock("group_members", user)) {
                error = socket.expect("error");
                last = stream.expect("next");
            }
            assertThat(error.at("/payload/0/extensions/code").asString()).isEqualTo("DEADLINE_EXCEEDED");
            assertThat(error.at("/payload/0/extensions/lastCursor").asString()).isEqualTo(cursor);
            assertThat(last.data().at("/errors/0/extensions/code").asString()).isEqualTo("DEADLINE_EXCEEDED");
            assertThat(last.data().at("/errors/0/extensions/lastCursor").asString())
                    .isEqualTo(cursor);
            stream.expect("complete");

            socket.subscribe(
                    "1",
                    "subscription ($after: String) { userEvents(after: $after) { userId } }",
                    Map.of("after", cursor));
            assertThat(socket.expect("next")
                            .at("/payload/data/userEvents/userId")
                            .asString())
                    .isEqualTo(user);
        }
    }

    @Test
    void limitsDatabaseConnectionsOfStreams() throws Exception {
        String user = directory.createUser();
        List<EventStreamClient> streams = new ArrayList<>();
        try {
            for (int i = 1; i <= 8; i++) {
                streams.add(new EventStreamClient(
                        client.uri("/graphql"),
                        READER,
                        "subscription { userEvents { userId user { groups(first: " + i + ") { nodes { id } } } } }",
                        Map.of(),
                        null));
            }
            try (Locks lock = changeAndLock("group_members", user)) {
                await().until(() -> running("group_members").size() == 4);
                for (int i = 0; i < 10; i++) {
                    client.data("{ users(first: " + (i + 1) + ") { nodes { id } } }");
                    assertThat(running("group_members")).hasSizeLessThanOrEqualTo(4);
                }
            }
            for (EventStreamClient stream : streams) {
                assertThat(stream.expect("next")
                                .data()
                                .at("/data/userEvents/userId")
                                .asString())
                        .isEqualTo(user);
            }
        } finally {
            streams.forEach(EventStreamClient::close);
        }
    }

    @Test
    void executesEventsOfAStreamThatIsOlderThanTheDeadline() throws Exception {
        try (EventStreamClient stream = new EventStreamClient(client.uri("/graphql"), READER, EVENTS, Map.of(), null)) {
            assertThat(stream.poll(3500)).isNull();
            String user = directory.createUser();

            assertThat(stream.expect("next")
                            .data()
                            .at("/data/userEvents/userId")
                            .asString())
                    .isEqualTo(user);
        }
    }

    @Test
    void keepsDatabaseConnectionsWhenOperationsAreStopped() throws Exception {
        Set<Integer> before = backends();
        try (SocketClient socket = SocketClient.connect(client.uri("/graphql"), READER)) {
            try (Locks users = Locks.holding("users")) {
                for (int i = 0; i < 50; i++) {
                    String id = "" + i;
                    socket.subscribe(id, "{ users(first: " + (i + 1) + ") { totalCount nodes { name } } }", Map.of());
                    await().until(() -> !running("users").isEmpty());
                    socket.send(Map.of("type", "complete", "id", id));
                    await().atMost(Duration.ofMillis(2800)).until(() -> running("users"), List::isEmpty);
                }
            }
            socket.subscribe("end", "{ users(first: 1) { nodes { id } } }", Map.of());
            socket.expect("next");
        }

        // PostgreSQL may cancel a statement too late to keep its connection, but not those of all 50 operations.
        assertThat(backends()).as("connections that were kept").containsAnyElementsOf(before);
    }

    @Test
    void leavesNoSubscriptionOfSocketThatClosesWhileSubscribing() {
        double before = subscribers();
        for (int i = 0; i < 200; i++) {
            SocketClient socket = SocketClient.connect(client.uri("/graphql"), READER);
            socket.subscribe("1", EVENTS, Map.of());
            socket.subscribe("2", EVENTS, Map.of());
            socket.cut();
        }

        await().until(this::subscribers, now -> now <= before);
    }

    private double subscribers() {
        return meters.get("directory.feed.subscribers").gauge().value();
    }

    /**
     * Changes a user, and locks another table before the change is committed, so that the feed shows the change only
     * after the lock. If the lock came before the change, the feed would not show the change while the transaction with
     * the lock is open.
     */
    private Locks changeAndLock(String table, String user) throws SQLException {
        try (Connection changing = TestPostgres.connect()) {
            changing.setAutoCommit(false);
            change(user, changing);
            Locks lock = Locks.holding(table);
            changing.commit();
            return lock;
        }
    }

    private void change(String user) throws SQLException {
        try (Connection connection = TestPostgres.connect()) {
            change(user, connection);
        }
    }

    private void change(String user, Connection connection) throws SQLException {
        try (PreparedStatement update =
                connection.prepareStatement("update users set version = version + 1 where id = ?")) {
            update.setObject(1, ids.parse("user", user).uuid());
            update.executeUpdate();
        }
    }

    /** The service's statements on that table that PostgreSQL is executing. */
    private List<String> running(String table) throws SQLException {
        return query("select query from pg_stat_activity where application_name = 'events' and state = 'active'"
                + " and query like '%" + table + "%'");
    }

    private Set<Integer> backends() throws SQLException {
        Set<Integer> backends = new TreeSet<>();
        query("select pid::text from pg_stat_activity where application_name = 'events'")
                .forEach(pid -> backends.add(Integer.valueOf(pid)));
        return backends;
    }

    private List<String> query(String sql) throws SQLException {
        try (Connection connection = TestPostgres.connect();
                Statement statement = connection.createStatement();
                var rows = statement.executeQuery(sql)) {
            List<String> found = new ArrayList<>();
            while (rows.next()) {
                found.add(rows.getString(1));
            }
            return found;
        }
    }
}
