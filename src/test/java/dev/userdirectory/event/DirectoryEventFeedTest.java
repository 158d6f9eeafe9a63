package dev.userdirectory.event;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.userdirectory.Client;
import dev.userdirectory.Directory;
import dev.userdirectory.DirectoryTest;
import dev.userdirectory.Tokens;
import dev.userdirectory.Waiting;
import dev.userdirectory.subscription.EventStreamClient;
import dev.userdirectory.subscription.SocketClient;
import java.sql.Connection;
import java.sql.Statement;
import java.time.Duration;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import javax.sql.DataSource;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.beans.factory.annotation.Qualifier;
import org.springframework.context.SmartLifecycle;
import org.springframework.jdbc.core.JdbcTemplate;

/** {@code Subscription.directoryEvents}. */
@DirectoryTest
class DirectoryEventFeedTest {
    private static final String FEED = """
            subscription ($after: String, $since: DateTime, $types: [DirectoryEventType!], $userId: ID, $groupId: ID) {
              directoryEvents(after: $after, since: $since, types: $types, userId: $userId, groupId: $groupId) { %s }
            }""".formatted(DirectoryEventsTest.FIELDS);

    @Autowired
    Client client;

    @Autowired
    Directory directory;

    @Autowired
    JdbcTemplate jdbc;

    @Autowired
    DataSource dataSource;

    @Autowired
    EventTrimming trimming;

    @Autowired
    @Qualifier("eventStreams")
    SmartLifecycle streams;

    /** Otherwise, streams of disconnected clients would execute events, and their statements, during other tests. */
    @AfterEach
    void endStreams() {
        streams.stop();
        streams.start();
    }

    @Test
    void followsGroupsOverBothTransports() throws Exception {
        directory.createUser();
        String start = newestCursor();
        try (EventStreamClient stream = follow(Map.of("after", start));
                SocketClient socket = SocketClient.connect(client.uri("/graphql"), Tokens.withScopes("users:read"))) {
            socket.subscribe("1", FEED, Map.of("after", start));
            String user = directory.createUser();
            String group = directory.createGroup("Team", List.of(user));
            List<String> expected =
                    List.of("UserCreated " + user, "GroupCreated " + group, "MemberAdded " + user + " " + group);

            assertThat(take(stream, 3)).isEqualTo(expected);
            for (String event : expected) {
                assertThat(DirectoryEventsTest.text(socket.expect("next").at("/payload/data/directoryEvents")))
                        .isEqualTo(event);
            }
        }
    }

    @Test
    void sendsOnlyWhatTheFilterSelects() throws Exception {
        String user = directory.createUser();
        String group = directory.createGroup("Team", List.of());
        String start = newestCursor();
        try (EventStreamClient ofGroup = follow(Map.of("after", start, "groupId", group));
                EventStreamClient ofUser = follow(Map.of("after", start, "userId", user));
                EventStreamClient ofType = follow(Map.of("after", start, "types", List.of("MEMBER_REMOVED")))) {
            directory.createGroup("Other", directory.createUsers(2));
            jdbc.update("update users set active = false");
            addAndRemove(user, group);
            jdbc.update("update groups set description = 'New'");

            String added = "MemberAdded " + user + " " + group;
            String removed = "MemberRemoved " + user + " " + group;
            assertThat(take(ofGroup, 3)).containsExactly(added, removed, "GroupUpdated " + group + " DESCRIPTION");
            assertThat(take(ofUser, 3)).containsExactly("UserUpdated " + user + " ACTIVE", added, removed);
            assertThat(take(ofType, 1)).containsExactly(removed);
        }
    }

    @Test
    void sinceStartsInThePastAndInTheFuture() throws Exception {
        forgetTrimming();
        directory.createUser();
        OffsetDateTime before = now();
        String past = directory.createUser();
        OffsetDateTime soon = now().plusSeconds(8);
        try (EventStreamClient fromPast = follow(Map.of("since", before.toString()));
                EventStreamClient fromFuture = follow(Map.of("since", soon.toString()))) {
            String early = directory.createUser();
            Waiting.until(() -> now().isAfter(soon));
            String late = directory.createUser();

            assertThat(take(fromPast, 3))
                    .containsExactly("UserCreated " + past, "UserCreated " + early, "UserCreated " + late);
            assertThat(take(fromFuture, 1)).containsExactly("UserCreated " + late);
        }
    }

    /** As a client does that reconnects by itself: it repeats the request, and adds the ID of the last event. */
    @Test
    void resumesAfterTheLastEventWhateverSinceSays() throws Exception {
        forgetTrimming();
        OffsetDateTime before = now();
        directory.createUser();
        String last = newestCursor();
        String user = directory.createUser();

        try (EventStreamClient stream = new EventStreamClient(
                client.uri("/graphql"),
                Tokens.withScopes("users:read"),
                FEED,
                Map.of("since", before.toString()),
                last)) {
            assertThat(take(stream, 1)).containsExactly("UserCreated " + user);
        }
    }

    @Test
    void lateCommitsComeInOrder() throws Exception {
        directory.createUser();
        String start = newestCursor();
        try (Connection slow = dataSource.getConnection();
                Statement statement = slow.createStatement();
                EventStreamClient stream = follow(Map.of("after", start, "types", List.of("GROUP_CREATED")))) {
            slow.setAutoCommit(false);
            statement.execute("insert into groups (id, name, created_at, updated_at, version)"
                    + " values ('00000000-0000-7000-8000-000000000001', 'Slow', now(), now(), 0)");
            String fast = directory.createGroup("Fast", List.of());
            assertThat(stream.poll(1500)).as("what could stand before it").isNull();
            slow.commit();

            List<String> events = take(stream, 2);
            assertThat(events.get(1)).isEqualTo("GroupCreated " + fast);
        } finally {
            jdbc.update("delete from groups where name = 'Slow'");
        }
    }

    @Test
    void cursorOfATrimmedEventIsValidForGroupsWithoutOtherTrimmedEvents() throws Exception {
        String user = directory.createUser();
        String quiet = directory.createGroup("Quiet", List.of());
        String cursor = newestCursor();
        String busy = directory.createGroup("Busy", List.of(user));
        directory.createUsers(2);
        await().atMost(Duration.ofMinutes(1)).untilAsserted(() -> {
            trimming.trim(jdbc, Duration.ofSeconds(-10), 20_000);
            assertThat(code(Map.of("after", cursor))).isEqualTo("EVENTS_EXPIRED");
            assertThat(code(Map.of("after", cursor, "groupId", busy))).isEqualTo("EVENTS_EXPIRED");
            assertThat(code(Map.of("after", cursor, "userId", user))).isEqualTo("EVENTS_EXPIRED");
        });
        try (EventStreamClient live = follow(Map.of("after", cursor, "groupId", quiet));
                EventStreamClient both = follow(Map.of("after", cursor, "groupId", quiet, "userId", user));
                EventStreamClient ofUsers = new EventStreamClient(
                        client.uri("/graphql"),
                        Tokens.withScopes("users:read"),
                        "subscription ($after: String, $userId: ID) { userEvents(after: $after, userId: $userId) { type } }",
                        Map.of("after", cursor, "userId", user),
                        null)) {
            addAndRemove(user, quiet);
            jdbc.update("update users set name = 'New'");
            assertThat(take(live, 2))
                    .containsExactly("MemberAdded " + user + " " + quiet, "MemberRemoved " + user + " " + quiet);
            assertThat(take(both, 1)).containsExactly("MemberAdded " + user + " " + quiet);
            assertThat(ofUsers.expect("next").data().at("/data/userEvents/type").asString())
                    .as("trimmed memberships do not matter")
                    .isEqualTo("UPDATED");
        }
    }

    /** Another test may have trimmed events of the last minute. */
    private void forgetTrimming() {
        jdbc.execute("truncate trimmed_events, trimmed_group_events");
    }

    private void addAndRemove(String user, String group) {
        for (String mutation : List.of("addGroupMembers", "removeGroupMembers")) {
            client.data(
                    "mutation ($group: ID!, $user: ID!) { " + mutation
                            + "(groupId: $group, userIds: [$user]) { errors { code } } }",
                    Map.of("group", group, "user", user));
        }
    }

    private String code(Map<String, ?> arguments) throws Exception {
        try (EventStreamClient stream = follow(arguments)) {
            return stream.expect("next").data().at("/errors/0/extensions/code").asString();
        }
    }

    private EventStreamClient follow(Map<String, ?> arguments) throws Exception {
        return new EventStreamClient(client.uri("/graphql"), Tokens.withScopes("users:read"), FEED, arguments, null);
    }

    private static List<String> take(EventStreamClient stream, int count) throws InterruptedException {
        List<String> events = new ArrayList<>();
        while (events.size() < count) {
            events.add(DirectoryEventsTest.text(stream.expect("next").data().at("/data/directoryEvents")));
        }
        return events;
    }

    private static OffsetDateTime now() {
        return OffsetDateTime.now(ZoneOffset.UTC);
    }

    private String newestCursor() {
        return client.data("{ directoryEvents(first: 0) { newestCursor } }")
                .at("/directoryEvents/newestCursor")
                .asString();
    }
}
