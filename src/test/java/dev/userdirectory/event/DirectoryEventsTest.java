package dev.userdirectory.event;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.userdirectory.Client;
import dev.userdirectory.Directory;
import dev.userdirectory.DirectoryTest;
import dev.userdirectory.TestPostgres.Statements;
import dev.userdirectory.Tokens;
import dev.userdirectory.group.Group;
import dev.userdirectory.relay.Cursors;
import dev.userdirectory.relay.GlobalId;
import dev.userdirectory.subscription.EventStreamClient;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;
import javax.sql.DataSource;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.jdbc.core.JdbcTemplate;
import tools.jackson.databind.JsonNode;

/** {@code Query.directoryEvents}: what is in the feed, whoever writes. */
@DirectoryTest
class DirectoryEventsTest {
    static final String FIELDS = """
            __typename cursor occurredAt actor { subject client }
            ... on UserCreated { userId user { id } } ... on UserUpdated { userId user { id } changed }
            ... on UserDeleted { userId user { id } } ... on GroupCreated { groupId group { id } }
            ... on GroupUpdated { groupId group { id } ofGroup: changed } ... on GroupDeleted { groupId group { id } }
            ... on MemberAdded { userId user { id } groupId group { id } }
            ... on MemberRemoved { userId user { id } groupId group { id } }
            """;
    private static final String FEED = """
            query ($first: Int! = 100, $after: String, $since: DateTime, $types: [DirectoryEventType!], $userId: ID,
                $groupId: ID) {
              directoryEvents(
                first: $first, after: $after, since: $since, types: $types, userId: $userId, groupId: $groupId
              ) {
                edges { cursor node { %s } }
                nodes { __typename }
                pageInfo { hasNextPage hasPreviousPage endCursor }
                newestCursor
              }
            }""".formatted(FIELDS);
    private static final String CREATE =
            "mutation ($email: String!) { createUser(name: \"A\", email: $email) { user { id } } }";

    @Autowired
    Client client;

    @Autowired
    Directory directory;

    @Autowired
    JdbcTemplate jdbc;

    @Autowired
    Statements statements;

    @Autowired
    DataSource dataSource;

    @Autowired
    EventTrimming trimming;

    @Autowired
    Cursors cursors;

    @BeforeEach
    void startWithAnEmptyFeed() {
        jdbc.execute("delete from groups");
        jdbc.execute("delete from users");
        jdbc.execute("truncate user_events, trimmed_events, trimmed_group_events");
        jdbc.execute("update user_count set users = 0");
    }

    @Test
    void showsWhatMutationsDo() {
        String alice = directory.createUser();
        String team = directory.createGroup("Team", List.of(alice));
        mutate("updateUser(id: \"%s\", name: \"Alicia\", active: false)", alice);
        mutate("updateGroup(id: \"%s\", name: \"Crew\", description: \"All\")", team);
        mutate("removeGroupMembers(groupId: \"%s\", userIds: [\"" + alice + "\"])", team);
        mutate("deleteGroup(id: \"%s\")", team);
        mutate("deleteUser(id: \"%s\")", alice);

        assertThat(feed(Map.of()))
                .containsExactly(
                        "UserCreated " + alice,
                        "GroupCreated " + team,
                        "MemberAdded " + alice + " " + team,
                        "UserUpdated " + alice + " NAME ACTIVE",
                        "GroupUpdated " + team + " NAME DESCRIPTION",
                        "MemberRemoved " + alice + " " + team,
                        "GroupDeleted " + team,
                        "UserDeleted " + alice);
        assertThat(page(Map.of()).at("/edges").findValues("user")).allMatch(JsonNode::isNull);
        assertThat(page(Map.of()).at("/edges").findValuesAsString("subject")).containsOnly("somebody");
    }

    @Test
    void showsDeletionsThatCascade() {
        List<String> users = directory.createUsers(2);
        String one = directory.createGroup("One", users);
        String other = directory.createGroup("Other", users);
        String cursor = newestCursor();

        mutate("deleteGroup(id: \"%s\")", one);
        mutate("deleteUser(id: \"%s\")", users.getFirst());

        List<String> events = feed(Map.of("after", cursor));
        assertThat(events).hasSize(5);
        assertThat(events.get(0)).isEqualTo("GroupDeleted " + one);
        assertThat(events.subList(1, 3))
                .containsExactlyInAnyOrder(
                        "MemberRemoved " + users.get(0) + " " + one, "MemberRemoved " + users.get(1) + " " + one);
        assertThat(events.subList(3, 5))
                .containsExactly("UserDeleted " + users.getFirst(), "MemberRemoved " + users.getFirst() + " " + other);
    }

    @Test
    void showsWhatOtherProgramsDo() {
        String alice = directory.createUser();
        String team = directory.createGroup("Team", List.of(alice));
        String empty = directory.createGroup("Empty", List.of());
        String cursor = newestCursor();
        UUID changed = UUID.randomUUID();

        jdbc.update("update groups set name = name");
        jdbc.update("update group_members set joined_at = joined_at");
        jdbc.update("update groups set version = version + 1 where name = 'Team'");
        jdbc.update("update groups set id = ? where name = 'Empty'", changed);
        jdbc.update("update group_members set group_id = ?", changed);
        jdbc.update("update group_members set joined_at = joined_at + interval '1 s'");

        String renamed = new GlobalId(Group.TYPE, changed).toString();
        assertThat(feed(Map.of("after", cursor)))
                .containsExactly(
                        "GroupUpdated " + team,
                        "GroupDeleted " + empty,
                        "GroupCreated " + renamed,
                        "MemberRemoved " + alice + " " + team,
                        "MemberAdded " + alice + " " + renamed,
                        "MemberRemoved " + alice + " " + renamed,
                        "MemberAdded " + alice + " " + renamed);
        JsonNode events = page(Map.of("after", cursor)).at("/edges");
        assertThat(events.findValues("actor")).isNotEmpty().allMatch(JsonNode::isNull);
        assertThat(events.findValues("ofGroup")).allMatch(JsonNode::isEmpty);
        for (String table : List.of("groups", "group_members")) {
            assertThatThrownBy(() -> jdbc.execute("truncate " + table + " cascade"))
                    .hasMessageContaining("Delete group");
        }
    }

    @Test
    void namesTheSubjectAndTheClient() throws SQLException {
        String azp = create(Map.of("azp", "console", "client_id", "other"));
        String clientId = create(Map.of("client_id", "import"));
        String neither = create(Map.of("azp", 1));
        String odd = create(Map.of("sub", "x".repeat(300) + "y", "azp", "a\u0000b"));
        try (Connection other = dataSource.getConnection();
                Statement statement = other.createStatement()) {
            other.setAutoCommit(false);
            statement.execute("select set_config('directory.actor_subject', 'nightly import', true)");
            statement.execute("update users set name = 'B' where active");
            other.commit();
            statement.execute("update users set name = 'C' where active");
            other.commit();
        }

        Map<String, List<String>> actors = new HashMap<>();
        page(Map.of())
                .at("/edges")
                .forEach(edge -> actors.computeIfAbsent(edge.at("/node/userId").asString(), id -> new ArrayList<>())
                        .add(edge.at("/node/actor/subject").asString("-") + " "
                                + edge.at("/node/actor/client").asString("-")));
        assertThat(actors.get(azp)).containsExactly("me console", "nightly import -", "- -");
        assertThat(actors.get(clientId)).first().isEqualTo("me import");
        assertThat(actors.get(neither)).first().isEqualTo("me -");
        assertThat(actors.get(odd)).first().isEqualTo("x".repeat(254) + "… a\ufffdb");
    }

    @Test
    void filtersByTypeUserAndGroup() {
        List<String> users = directory.createUsers(2);
        String team = directory.createGroup("Team", users);
        String other = directory.createGroup("Other", List.of(users.get(1)));

        assertThat(feed(Map.of("userId", users.get(1))))
                .containsExactly(
                        "UserCreated " + users.get(1),
                        "MemberAdded " + users.get(1) + " " + team,
                        "MemberAdded " + users.get(1) + " " + other);
        assertThat(feed(Map.of("groupId", other)))
                .containsExactly("GroupCreated " + other, "MemberAdded " + users.get(1) + " " + other);
        assertThat(feed(Map.of("groupId", team, "userId", users.get(0))))
                .containsExactly("MemberAdded " + users.get(0) + " " + team);
        assertThat(feed(Map.of("types", List.of("GROUP_CREATED", "USER_DELETED"))))
                .containsExactly("GroupCreated " + team, "GroupCreated " + other);
        assertThat(feed(Map.of("types", List.of("USER_CREATED"), "groupId", team)))
                .isEmpty();
        assertThat(feed(Map.of("groupId", users.get(0)))).as("not a group").isEmpty();
    }

    @ParameterizedTest
    @CsvSource({"types, ''", "userId, x", "groupId, x", "after, x"})
    void namesTheArgumentThatIsWrong(String argument, String value) {
        Object bad = argument.equals("types") ? List.of() : value;

        JsonNode error = client.error(FEED, Map.of(argument, bad));

        assertThat(error.at("/extensions/code").asString()).isEqualTo("BAD_USER_INPUT");
        assertThat(error.at("/extensions/argument").asString()).isEqualTo(argument);
    }

    @Test
    void sharesCursorsWithUserEvents() {
        String alice = directory.createUser();
        String team = directory.createGroup("Team", List.of(alice));
        String bob = directory.createUser();
        String userEvents = """
                query ($after: String) {
                  userEvents(after: $after) { edges { cursor node { type userId } } newestCursor }
                }""";
        JsonNode ofUsers = client.data(userEvents, Map.of()).get("userEvents");
        JsonNode all = page(Map.of());

        assertThat(ofUsers.at("/edges").findValuesAsString("userId")).containsExactly(alice, bob);
        assertThat(feed(Map.of("after", ofUsers.at("/edges/0/cursor").asString())))
                .containsExactly("GroupCreated " + team, "MemberAdded " + alice + " " + team, "UserCreated " + bob);
        assertThat(client.data(
                                userEvents,
                                Map.of("after", all.at("/edges/1/cursor").asString()))
                        .at("/userEvents/edges")
                        .findValuesAsString("userId"))
                .containsExactly(bob);
        assertThat(FeedCursors.place(ofUsers.at("/newestCursor").asString()))
                .isEqualTo(FeedCursors.place(all.at("/newestCursor").asString()));
    }

    /** Its cursors have two keys, and its events neither a writer nor fields. */
    @Test
    void continuesAfterACursorOfTheVersionThatHadNoEventsOfGroups() throws Exception {
        String alice = directory.createUser();
        mutate("updateUser(id: \"%s\", name: \"B\")", alice);
        jdbc.update("update user_events set writer = null, changed = null, actor_subject = null, actor_client = null");
        Position created = FeedCursors.position(
                page(Map.of("first", 1)).at("/edges/0/cursor").asString());
        String cursor = cursors.encode("userEvents", created.transaction(), created.sequence());
        String team = directory.createGroup("Team", List.of(alice));

        List<String> expected =
                List.of("UserUpdated " + alice, "GroupCreated " + team, "MemberAdded " + alice + " " + team);
        assertThat(feed(Map.of("after", cursor))).isEqualTo(expected);
        try (EventStreamClient stream = new EventStreamClient(
                client.uri("/graphql"),
                Tokens.withScopes("users:read"),
                "subscription ($after: String) { directoryEvents(after: $after) { %s } }".formatted(FIELDS),
                Map.of("after", cursor),
                null)) {
            for (String event : expected) {
                // In memory, the first one still has its fields.
                assertThat(text(stream.expect("next").data().at("/data/directoryEvents")))
                        .startsWith(event);
            }
        }
    }

    @Test
    void pagesContainEveryEventOnce() {
        directory.createGroup("Team", directory.createUsers(6));
        List<String> places = new ArrayList<>();
        JsonNode page = page(Map.of("first", 5));
        for (;
                ;
                page = page(Map.of(
                        "first", 5, "after", page.at("/pageInfo/endCursor").asString()))) {
            page.at("/edges")
                    .forEach(edge ->
                            places.add(FeedCursors.place(edge.at("/cursor").asString())));
            if (!page.at("/pageInfo/hasNextPage").asBoolean()) {
                break;
            }
        }
        assertThat(places).hasSize(13).doesNotHaveDuplicates();
    }

    @Test
    void ordersEventsByCommitAndHoldsBackThoseThatOthersMayStillPrecede() throws SQLException {
        String alice = directory.createUser();
        try (Connection slow = dataSource.getConnection();
                Statement statement = slow.createStatement()) {
            slow.setAutoCommit(false);
            statement.execute("insert into groups (id, name, created_at, updated_at, version)"
                    + " values (uuidv7(), 'Slow', now(), now(), 0)");
            String fast = directory.createGroup("Fast", List.of(alice));
            assertThat(feed(Map.of())).containsExactly("UserCreated " + alice);

            slow.commit();
            assertThat(feed(Map.of())).hasSize(4).endsWith("GroupCreated " + fast, "MemberAdded " + alice + " " + fast);
        }
    }

    @ParameterizedTest
    @CsvSource({"READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"})
    void writerIsTheTransactionItself(String isolation) throws SQLException {
        try (Connection connection = dataSource.getConnection();
                Statement statement = connection.createStatement()) {
            connection.setAutoCommit(false);
            statement.execute("set transaction isolation level " + isolation);
            statement.execute("savepoint a");
            statement.execute("insert into groups (id, name, created_at, updated_at, version)"
                    + " values (uuidv7(), 'A', now(), now(), 0), (uuidv7(), 'B', now(), now(), 0)");
            statement.execute("insert into user_events (type, user_id) values ('UPDATED', uuidv7())");
            try (var row = statement.executeQuery("select count(*) from user_events"
                    + " where writer = pg_current_xact_id()::text::bigint and transaction >= writer")) {
                row.next();
                assertThat(row.getInt(1)).isEqualTo(3);
            }
            connection.rollback();
        }
    }

    @Test
    void sinceStartsWithTheFirstEventOfThatTimeOrLater() {
        List<String> users = new ArrayList<>();
        for (int i = 0; i < 40; i++) {
            users.add(FeedCursors.globalId(Objects.requireNonNull(jdbc.queryForObject("""
                    insert into users (id, name, email, active, created_at, updated_at, version)
                    values (uuidv7(), 'A', gen_random_uuid() || '@example.com', true, now(), now(), 0)
                    returning id""", UUID.class))));
        }
        // One an hour; the order of two neighbours differs from that of their times by half a minute.
        jdbc.update("""
                update user_events set occurred_at = timestamptz '2026-01-01 00:00Z' + n * interval '1 h'
                    + case when n = 20 then interval '1 h 30 s' else interval '0' end
                from (select sequence as s, row_number() over (order by sequence) as n from user_events) numbered
                where s = sequence""");

        for (int n = 1; n <= 40; n += 3) {
            if (n != 20 && n != 21) {
                String time = "2026-01-%02dT%02d:00:00Z".formatted(1 + n / 24, n % 24);
                assertThat(feed(Map.of("since", time)).getFirst()).isEqualTo("UserCreated " + users.get(n - 1));
            }
        }
        assertThat(feed(Map.of("since", "2026-01-01T21:00:00Z"))).hasSize(21);
        assertThat(feed(Map.of("since", "2026-01-01T21:00:10Z"))).hasSize(21);
        assertThat(feed(Map.of("since", "2026-01-01T21:00:31Z"))).hasSize(19);
        assertThat(feed(Map.of("since", "2025-01-01T00:00:00Z"))).hasSize(40);
        assertThat(feed(Map.of("since", "2027-01-01T00:00:00Z"))).isEmpty();
        assertThat(client.error(FEED, Map.of("since", "2027-01-01T00:00:00Z", "after", newestCursor()))
                        .at("/extensions/argument")
                        .asString())
                .isEqualTo("since");
    }

    @Test
    void findsTheStartOfATimeOnceForAllFields() {
        directory.createUser();
        statements.clear();

        client.data(
                "query ($s: DateTime) { a: directoryEvents(first: 0, since: $s) { __typename } "
                        + "b: directoryEvents(first: 0, since: $s) { __typename } }",
                Map.of("s", "2026-01-01T00:00:00Z"));

        assertThat(statements.executed())
                .filteredOn(sql -> sql.contains("feed_since"))
                .hasSize(1);
    }

    @Test
    void sinceExpiresOnlyIfEventsOfThatTimeMayBeGone() {
        directory.createUsers(3);
        jdbc.update("update user_events set occurred_at = now() - interval '40 days'");
        assertThat(feed(Map.of("since", "2020-01-01T00:00:00Z"))).hasSize(3);

        directory.createUser();
        assertThat(trimming.trim(jdbc, Duration.ofDays(30), 2)).isEqualTo(2);

        JsonNode error = client.error(FEED, Map.of("since", "2020-01-01T00:00:00Z"));
        assertThat(error.at("/extensions/code").asString()).isEqualTo("EVENTS_EXPIRED");
        assertThat(error.at("/extensions/argument").asString()).isEqualTo("since");
        String yesterday = Instant.now()
                .minus(Duration.ofDays(1))
                .truncatedTo(ChronoUnit.SECONDS)
                .toString();
        assertThat(feed(Map.of("since", yesterday))).hasSize(1);
    }

    /** Otherwise a cursor of {@code userEvents} would expire although no user has changed. */
    @Test
    void trimmingKeepsTheNewestEventOfAUserAndWhatFollows() {
        List<String> users = directory.createUsers(3);
        directory.createGroup("Team", users);
        String cursor = client.data("{ userEvents { edges { cursor } } }")
                .at("/userEvents/edges/2/cursor")
                .asString();
        jdbc.update("update user_events set occurred_at = now() - interval '40 days'");

        assertThat(trimming.trim(jdbc, Duration.ofDays(30), 100)).isEqualTo(2);
        assertThat(feed(Map.of("after", cursor))).hasSize(4);
        assertThat(feed(Map.of())).hasSize(5);
    }

    /** As in a directory whose users were loaded with its triggers disabled. */
    @Test
    void trimmingKeepsOnlyTheNewestEventIfNoUserHasOne() {
        directory.createGroup("First", List.of());
        directory.createGroup("Second", List.of());
        String newest = directory.createGroup("Third", List.of());
        jdbc.update("update user_events set occurred_at = now() - interval '40 days'");

        assertThat(trimming.trim(jdbc, Duration.ofDays(30), 100)).isEqualTo(2);
        assertThat(feed(Map.of())).containsExactly("GroupCreated " + newest);
    }

    @Test
    void historyHasTheEventsOfOneObject() {
        List<String> users = directory.createUsers(2);
        String team = directory.createGroup("Team", users);
        String history = """
                query ($user: ID!, $group: ID!, $after: String) {
                  user(id: $user) { history(after: $after) { edges { cursor node { %s } } newestCursor } }
                  group(id: $group) { history(first: 2) { nodes { %s } pageInfo { hasNextPage } newestCursor } }
                }""".formatted(FIELDS, FIELDS);
        Map<String, ?> objects = Map.of("user", users.get(0), "group", team);

        JsonNode data = client.data(history, objects);

        assertThat(texts(data.at("/user/history/edges").findValues("node")))
                .containsExactly("UserCreated " + users.get(0), "MemberAdded " + users.get(0) + " " + team);
        assertThat(data.at("/group/history/nodes")).hasSize(2);
        assertThat(data.at("/group/history/pageInfo/hasNextPage").asBoolean()).isTrue();
        String first = data.at("/user/history/edges/0/cursor").asString();
        Map<String, Object> next = new HashMap<>(objects);
        next.put("after", first);
        assertThat(client.data(history, next).at("/user/history/edges")).hasSize(1);

        jdbc.update("update user_events set occurred_at = now() - interval '40 days'");
        directory.createUser();
        assertThat(trimming.trim(jdbc, Duration.ofDays(30), 100)).isEqualTo(5);
        JsonNode error = client.error(history, next);
        assertThat(error.at("/extensions/code").asString()).isEqualTo("EVENTS_EXPIRED");
        assertThat(error.at("/path/1").asString()).isEqualTo("history");
        assertThat(client.data(
                                "query ($id: ID!) { user(id: $id) { history { nodes { cursor } } } }",
                                Map.of("id", users.get(0)))
                        .at("/user/history/nodes"))
                .isEmpty();
    }

    private String create(Map<String, Object> claims) {
        var token = Tokens.claims().subject("me").claim("scope", "users:write");
        claims.forEach(token::claim);
        return client.withToken(Tokens.sign(token.build()))
                .data(CREATE, Map.of("email", Directory.newEmail()))
                .at("/createUser/user/id")
                .asString();
    }

    private void mutate(String mutation, String id) {
        assertThat(client.data("mutation { done: " + mutation.formatted(id) + " { errors { code } } }")
                        .at("/done/errors"))
                .isEmpty();
    }

    private String newestCursor() {
        return page(Map.of("first", 0)).at("/newestCursor").asString();
    }

    private List<String> feed(Map<String, ?> arguments) {
        return texts(page(arguments).at("/edges").findValues("node"));
    }

    /** Type, IDs and changed fields of each event. */
    static List<String> texts(List<JsonNode> events) {
        return events.stream().map(DirectoryEventsTest::text).toList();
    }

    static String text(JsonNode event) {
        List<String> words = new ArrayList<>(List.of(event.get("__typename").asString()));
        for (String id : List.of("userId", "groupId")) {
            if (event.has(id)) {
                words.add(event.get(id).asString());
            }
        }
        event.path("changed").forEach(field -> words.add(field.asString()));
        event.path("ofGroup").forEach(field -> words.add(field.asString()));
        return String.join(" ", words);
    }

    private JsonNode page(Map<String, ?> arguments) {
        directory.settle();
        return client.data(FEED, arguments).get("directoryEvents");
    }
}
