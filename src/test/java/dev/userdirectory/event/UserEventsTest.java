package dev.userdirectory.event;

import static org.assertj.core.api.Assertions.assertThat;

import dev.userdirectory.Client;
import dev.userdirectory.Directory;
import dev.userdirectory.DirectoryTest;
import dev.userdirectory.relay.Cursors;
import dev.userdirectory.relay.GlobalId;
import dev.userdirectory.user.User;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.UUID;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.transaction.PlatformTransactionManager;
import org.springframework.transaction.support.TransactionTemplate;
import tools.jackson.databind.JsonNode;

@DirectoryTest
class UserEventsTest {
    private static final String FEED = """
            query ($first: Int! = 100, $after: String) {
              userEvents(first: $first, after: $after) {
                edges { cursor node { cursor type userId user { name } occurredAt } }
                pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
                newestCursor
              }
            }""";

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
    RestoredFeed restored;

    @Autowired
    Cursors cursors;

    @BeforeEach
    void startWithAnEmptyFeed() {
        jdbc.execute("delete from users");
        jdbc.execute("truncate user_events");
        jdbc.execute("update user_count set users = 0");
    }

    @Test
    void showsEventsInOrder() {
        String alice = createUser("Alice");
        String bob = createUser("Bob");
        client.data(
                "mutation ($id: ID!) { updateUser(id: $id, name: \"Alicia\") { errors { code } } }",
                Map.of("id", alice));
        client.data("mutation ($id: ID!) { deleteUser(id: $id) { errors { code } } }", Map.of("id", bob));

        assertThat(feed())
                .containsExactly(
                        "CREATED " + alice + " Alicia",
                        "CREATED " + bob + " null",
                        "UPDATED " + alice + " Alicia",
                        "DELETED " + bob + " null");
    }

    @Test
    void recordsNoEventForRejectedOrUnchangedUpdate() {
        String alice = createUser("Alice");
        client.data(
                "mutation ($id: ID!) { updateUser(id: $id, name: \"Alice\") { errors { code } } }",
                Map.of("id", alice));
        client.data("mutation ($id: ID!) { updateUser(id: $id, name: \"\") { errors { code } } }", Map.of("id", alice));
        client.data("mutation { createUser(name: \"Alice\", email: \"alice@example.com\") { errors { code } } }");
        jdbc.update("update users set name = name");

        assertThat(feed()).containsExactly("CREATED " + alice + " Alice");
    }

    @Test
    void recordsOneEventForEachUserOfABatch() {
        JsonNode created = client.data("""
                mutation { createUsers(users: [
                  { name: "B", email: "b@example.com" }, { name: "A", email: "a@example.com" }
                ]) { users { id } } }""").at("/createUsers/users");

        assertThat(feed())
                .containsExactlyInAnyOrder(
                        "CREATED " + created.at("/0/id").asString() + " B",
                        "CREATED " + created.at("/1/id").asString() + " A");
    }

    @Test
    void recordsEventsForWritesOfOtherPrograms() {
        jdbc.update("""
                insert into users (id, name, email, active, created_at, updated_at, version)
                select uuidv7(), n, n || '@example.com', true, now(), now(), 0 from generate_series(1, 3) n""");
        jdbc.update("update users set active = false where name <> '1'");
        jdbc.update("delete from users");

        assertThat(jdbc.queryForList("select type || count(*) from user_events group by type order by 1", String.class))
                .containsExactly("CREATED3", "DELETED3", "UPDATED2");
    }

    /** To a subscriber, a new ID is another user. */
    @Test
    void recordsChangeOfIdAsDeletionAndCreation() {
        String alice = createUser("Alice");
        String bob = createUser("Bob");
        UUID changed = UUID.randomUUID();

        jdbc.update("update users set id = case name when 'Alice' then ?::uuid else id end, active = false", changed);

        assertThat(feed())
                .containsExactly(
                        "CREATED " + alice + " null",
                        "CREATED " + bob + " Bob",
                        "DELETED " + alice + " null",
                        "UPDATED " + bob + " Bob",
                        "CREATED " + new GlobalId(User.TYPE, changed) + " Alice");
        assertThat(totalCount()).isEqualTo(2);
    }

    @Test
    void pagesContainEveryEventOnce() {
        for (int i = 0; i < 5; i++) {
            createUser("User " + i);
        }
        List<String> cursors = new ArrayList<>();
        JsonNode page = page(2, null);
        assertThat(page.at("/pageInfo/hasPreviousPage").asBoolean()).isFalse();
        assertThat(page.at("/newestCursor").asString())
                .isNotEqualTo(page.at("/pageInfo/endCursor").asString());
        for (; ; page = page(2, page.at("/pageInfo/endCursor").asString())) {
            page.at("/edges").forEach(edge -> {
                assertThat(edge.at("/node/cursor").asString())
                        .isEqualTo(edge.at("/cursor").asString());
                cursors.add(edge.at("/cursor").asString());
            });
            if (!page.at("/pageInfo/hasNextPage").asBoolean()) {
                break;
            }
        }
        assertThat(cursors).hasSize(5).doesNotHaveDuplicates();
        assertThat(page.at("/pageInfo/hasPreviousPage").asBoolean()).isTrue();
        assertThat(page.at("/newestCursor").asString()).isEqualTo(cursors.getLast());

        JsonNode end = page(2, cursors.getLast());
        assertThat(end.at("/edges").size()).isZero();
        assertThat(end.at("/pageInfo/hasNextPage").asBoolean()).isFalse();
        assertThat(end.at("/pageInfo/hasPreviousPage").asBoolean()).isTrue();
        assertThat(end.at("/pageInfo/endCursor").isNull()).isTrue();
    }

    @Test
    void holdsBackEventsThatOthersMayStillPrecede() throws SQLException {
        try (Connection slow = dataSource.getConnection();
                Statement statement = slow.createStatement()) {
            slow.setAutoCommit(false);
            statement.execute(insert("Slow"));
            createUser("Fast");
            assertThat(feed()).isEmpty();

            slow.commit();
            assertThat(feed()).hasSize(2);
            assertThat(feed().getFirst()).endsWith("Slow");
        }
    }

    /** T1 begins to write first, but T2 updates Alice before T1 deletes her. */
    @Test
    void ordersTheEventsOfAUserAsTheyHappened() throws SQLException {
        jdbc.update(insert("Alice"));
        jdbc.update(insert("Bob"));
        try (Connection first = dataSource.getConnection();
                Statement statement = first.createStatement()) {
            first.setAutoCommit(false);
            statement.execute("update users set active = false where name = 'Bob'");
            jdbc.update("update users set name = 'Alicia' where name = 'Alice'");
            statement.execute("delete from users where name = 'Alicia'");
            first.commit();
        }

        assertThat(feed().stream().map(event -> event.substring(0, event.indexOf(' '))))
                .containsExactly("CREATED", "CREATED", "UPDATED", "UPDATED", "DELETED");
    }

    /** The writer's snapshot is older than the deletion, but it finds the address free. */
    @Test
    void ordersEventsOfARepeatableReadWriterAfterThoseThatItHasSeen() throws SQLException {
        jdbc.update(insert("Alice"));
        try (Connection writer = dataSource.getConnection();
                Statement statement = writer.createStatement()) {
            writer.setAutoCommit(false);
            writer.setTransactionIsolation(Connection.TRANSACTION_REPEATABLE_READ);
            statement.execute("select pg_current_xact_id()");
            jdbc.update("delete from users where name = 'Alice'");
            statement.execute(insert("Alice"));
            writer.commit();
        }

        assertThat(feed().stream().map(event -> event.substring(0, event.indexOf(' '))))
                .containsExactly("CREATED", "DELETED", "CREATED");
    }

    @Test
    void hidesEventsOfUnknownType() {
        createUser("Alice");
        String check = jdbc.queryForObject(
                "select pg_get_constraintdef(oid) from pg_constraint where conname = 'user_events_type_check'",
                String.class);
        jdbc.execute("alter table user_events drop constraint user_events_type_check");
        try {
            jdbc.update("insert into user_events (type, user_id) values ('MERGED', gen_random_uuid())");
            createUser("Bob");

            assertThat(feed().stream().map(event -> event.substring(0, event.indexOf(' '))))
                    .containsExactly("CREATED", "CREATED");
        } finally {
            jdbc.update("delete from user_events where type = 'MERGED'");
            jdbc.execute("alter table user_events add constraint user_events_type_check " + check);
        }
    }

    /** Such cursors have two keys. The era inserted here belongs to another server, as after a failover. */
    @Test
    void acceptsCursorsWithoutEraWhileThereIsOneServer() {
        createUser("Alice");
        createUser("Bob");
        Position first =
                FeedCursors.position(page(1, null).at("/pageInfo/endCursor").asString());
        String old = cursors.encode("userEvents", first.transaction(), first.sequence());

        assertThat(page(100, old).at("/edges").size()).isEqualTo(1);

        jdbc.update("""
                insert into feed_eras (system_identifier, timeline, server_started, events, began_after)
                select system_identifier, timeline + 1, server_started, events, 'F/0' from feed_eras
                order by number desc limit 1""");
        try {
            assertThat(client.error(FEED, Map.of("after", old))
                            .at("/extensions/code")
                            .asString())
                    .isEqualTo("EVENTS_EXPIRED");
        } finally {
            jdbc.update("delete from feed_eras where number > 1");
        }
    }

    @Test
    void rejectsCursorsOfOtherConnections() {
        createUser("Alice");
        String ofUsers = client.data("{ users { edges { cursor } } }")
                .at("/users/edges/0/cursor")
                .asString();

        JsonNode error = client.error(FEED, Map.of("after", ofUsers));

        assertThat(error.at("/extensions/code").asString()).isEqualTo("BAD_USER_INPUT");
        assertThat(error.at("/extensions/argument").asString()).isEqualTo("after");
    }

    @Test
    void reportsThatEventsAfterACursorWereTrimmed() {
        for (int i = 0; i < 5; i++) {
            createUser("User " + i);
        }
        JsonNode edges = page(100, null).at("/edges");
        jdbc.update("update user_events set occurred_at = now() - interval '31 days'"
                + " where sequence in (select sequence from user_events order by sequence limit 3)");

        assertThat(trimming.trim(jdbc, Duration.ofDays(30), 2)).isEqualTo(2);
        assertThat(trimming.trim(jdbc, Duration.ofDays(30), 2)).isEqualTo(1);
        assertThat(trimming.trim(jdbc, Duration.ofDays(30), 2)).isEqualTo(0);

        String expired = edges.at("/2/cursor").asString();
        JsonNode error = client.error(FEED, Map.of("after", expired));
        assertThat(error.at("/extensions/code").asString()).isEqualTo("EVENTS_EXPIRED");
        assertThat(error.at("/path/0").asString()).isEqualTo("userEvents");
        assertThat(client.execute(FEED, Map.of("after", expired)).get("data").isNull())
                .as("no page that looks empty")
                .isTrue();
        assertThat(page(100, edges.at("/3/cursor").asString()).at("/edges").size())
                .isEqualTo(1);
        assertThat(feed()).hasSize(2);
    }

    /** A client that has seen all events can resume after the newest one, however old it is. */
    @Test
    void trimmingKeepsTheNewestEvent() {
        createUser("Alice");
        createUser("Bob");
        jdbc.update("update user_events set occurred_at = now() - interval '31 days'");

        assertThat(trimming.trim(jdbc, Duration.ofDays(30), 100)).isEqualTo(1);
        assertThat(feed()).hasSize(1);
    }

    @Test
    void feedStartsAnewOnAServerWithSmallerTransactionNumbers(@Autowired PlatformTransactionManager transactions) {
        createUser("Alice");
        String cursor = page(1, null).at("/newestCursor").asString();
        assertThat(restored.deleteIfForeign()).isZero();

        // In one transaction, so that no instance that follows the feed deletes the event first.
        Integer deleted = new TransactionTemplate(transactions).execute(status -> {
            jdbc.update("update user_events set transaction = transaction + 1000000");
            return restored.deleteIfForeign();
        });

        assertThat(deleted).isEqualTo(1);
        assertThat(client.error(FEED, Map.of("after", cursor))
                        .at("/extensions/code")
                        .asString())
                .isEqualTo("EVENTS_EXPIRED");
        assertThat(totalCount()).isEqualTo(1);
        createUser("Bob");
        assertThat(totalCount()).isEqualTo(2);
    }

    /** Which may wait for a synchronous standby. */
    @Test
    void startDoesNotWaitForTheCommitOfACount() throws SQLException {
        createUser("Alice");
        try (Connection counting = dataSource.getConnection();
                Statement statement = counting.createStatement()) {
            counting.setAutoCommit(false);
            statement.execute("update user_count set users = users");

            assertThat(restored.deleteIfForeign()).isZero();
        }
    }

    /** The other server's events may be trimmed or counted, and new ones precede {@code user_count.transaction}. */
    @Test
    void countsUsersAnewOnAServerWithSmallerTransactionNumbers() {
        jdbc.update("update user_count set transaction = transaction + 1000000");
        createUser("Alice");

        restored.deleteIfForeign();

        assertThat(totalCount()).isEqualTo(1);
        createUser("Bob");
        assertThat(totalCount()).isEqualTo(2);
    }

    private int totalCount() {
        return client.data("{ users { totalCount } }").at("/users/totalCount").asInt();
    }

    private List<String> feed() {
        List<String> events = new ArrayList<>();
        page(100, null)
                .at("/edges")
                .forEach(edge -> events.add(edge.at("/node/type").asString() + " "
                        + edge.at("/node/userId").asString() + " "
                        + edge.at("/node/user/name").asString("null")));
        return events;
    }

    private JsonNode page(int first, @Nullable String after) {
        directory.settle();
        return client.data(FEED, after == null ? Map.of("first", first) : Map.of("first", first, "after", after))
                .get("userEvents");
    }

    private String createUser(String name) {
        String id = client.data(
                        "mutation ($name: String!, $email: String!) { createUser(name: $name, email: $email) { user { id } } }",
                        Map.of("name", name, "email", name.replace(" ", "").toLowerCase(Locale.ROOT) + "@example.com"))
                .at("/createUser/user/id")
                .asString();
        directory.settle();
        return id;
    }

    private static String insert(String name) {
        return "insert into users (id, name, email, active, created_at, updated_at, version) values ('"
                + UUID.randomUUID() + "', '" + name + "', '" + name + "@example.com', true, now(), now(), 0)";
    }
}
