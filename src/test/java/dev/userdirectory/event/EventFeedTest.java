package dev.userdirectory.event;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.userdirectory.Client;
import dev.userdirectory.Directory;
import dev.userdirectory.DirectoryTest;
import dev.userdirectory.TestPostgres;
import dev.userdirectory.Tokens;
import dev.userdirectory.subscription.EventStreamClient;
import io.micrometer.core.instrument.MeterRegistry;
import java.sql.Connection;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.test.context.DynamicPropertyRegistry;
import org.springframework.test.context.DynamicPropertySource;

/** The reader of the feed, with a database URL of its own. */
@DirectoryTest
class EventFeedTest {
    private static final String READER = "application_name = 'around the pooler'";
    private static final String FEED =
            "subscription ($after: String!, $userId: ID) { userEvents(after: $after, userId: $userId) { type cursor userId } }";

    @Autowired
    Client client;

    @Autowired
    Directory directory;

    @Autowired
    JdbcTemplate jdbc;

    @Autowired
    DataSource dataSource;

    @Autowired
    MeterRegistry meters;

    @Autowired
    EventTrimming trimming;

    @Autowired
    DirectoryEvents events;

    @DynamicPropertySource
    static void ownWay(DynamicPropertyRegistry properties) {
        properties.add("directory.events.url", () -> {
            String url = new TestPostgres().jdbcConnectionDetails().getJdbcUrl();
            return url + (url.contains("?") ? "&" : "?") + "ApplicationName=around%20the%20pooler";
        });
    }

    @Test
    void readerUsesItsOwnUrl() {
        await().untilAsserted(() -> assertThat(
                        jdbc.queryForList("select query from pg_stat_activity where " + READER, String.class))
                .singleElement()
                .asString()
                .containsAnyOf("listen user_events", "user_events e"));
    }

    /** As after the promotion of a replica that lacks some events, whose numbers it then reuses. */
    @Test
    void feedContinuesAfterTheNewestEventThatIsLeft() throws Exception {
        String user = directory.createUser();
        String other = directory.createUser();
        String left = newestCursor();
        try (EventStreamClient live = follow(left)) {
            client.data(
                    "mutation ($id: ID!) { updateUser(id: $id, name: \"Lost\") { user { id } } }", Map.of("id", user));
            assertThat(live.expect("next").data().at("/data/userEvents/userId").asString())
                    .isEqualTo(user);
            await().untilAsserted(() -> assertThat(readers()).isEqualTo(1));

            jdbc.update("""
                    with lost as (
                        delete from user_events where sequence = (select max(sequence) from user_events)
                        returning transaction
                    )
                    insert into user_events (transaction, type, user_id)
                    select lost.transaction - 1, 'UPDATED', id
                    from lost, users
                    where id = (select user_id from user_events where type = 'CREATED' order by sequence desc limit 1)
                    """);
            jdbc.queryForList("select pg_terminate_backend(pid) from pg_stat_activity where " + READER);

            assertThat(live.expect("next")
                            .data()
                            .at("/errors/0/extensions/code")
                            .asString())
                    .isEqualTo("EVENTS_EXPIRED");
        }
        try (EventStreamClient again = follow(left)) {
            assertThat(again.expect("next").data().at("/data/userEvents/userId").asString())
                    .isEqualTo(other);
            directory.createUser();
            assertThat(again.expect("next").data().at("/data/userEvents/type").asString())
                    .isEqualTo("CREATED");
        }
    }

    /** As while the reader has not noticed a failover: the new server uses numbers again that the old one had settled. */
    @Test
    void whatWasSettledInAnotherEraIsNot() throws Exception {
        directory.createUser();
        Position start = FeedCursors.position(newestCursor());
        try (Connection open = dataSource.getConnection();
                Statement statement = open.createStatement()) {
            open.setAutoCommit(false);
            statement.execute("insert into users (id, name, email, active, created_at, updated_at, version)"
                    + " values (uuidv7(), 'Late', uuidv7() || '@example.com', true, now(), now(), 0)");
            String user = directory.createUser();

            assertThat(firstAfter(start, events.eras().current())).isEqualTo(user);
            assertThat(firstAfter(start, events.eras().current() + 1)).isNull();
        }
    }

    /** The user of the first event after the start, if the feed is settled up to the newest event in that era. */
    private @Nullable String firstAfter(Position start, long era) {
        Position settled = Objects.requireNonNull(jdbc.queryForObject(
                "select transaction, sequence from user_events order by sequence desc limit 1",
                (row, number) -> new Position(row.getLong(1), row.getLong(2), new Position.Seen(era, Long.MAX_VALUE))));
        return events.read(start, settled, EventFilter.ALL, 10).stream()
                .map(DirectoryEvent::getUserId)
                .findFirst()
                .orElse(null);
    }

    /** For example a report in another database of the server, whose open transaction has written something. */
    @Test
    void showsEventsDespiteOpenTransactionsThatWriteNoUsers() throws Exception {
        directory.createUser();
        String start = newestCursor();
        try (Connection other = dataSource.getConnection();
                Statement statement = other.createStatement();
                EventStreamClient live = follow(start)) {
            other.setAutoCommit(false);
            statement.execute("create temporary table report (line text) on commit drop");
            String first = directory.createUser();
            String second = directory.createUser();

            assertThat(live.expect("next").data().at("/data/userEvents/userId").asString())
                    .isEqualTo(first);
            assertThat(live.expect("next").data().at("/data/userEvents/userId").asString())
                    .isEqualTo(second);
            await().untilAsserted(() -> assertThat(heldBack()).isZero());

            // The transaction may still write a user: its event comes after those.
            UUID third = UUID.randomUUID();
            statement.execute("insert into users (id, name, email, active, created_at, updated_at, version) values ('"
                    + third + "', 'Late', '"
                    + Directory.newEmail() + "', true, now(), now(), 0)");
            String fourth = directory.createUser();
            assertThat(live.poll(1500)).as("what could stand before the third").isNull();
            other.commit();

            assertThat(List.of(live.expect("next"), live.expect("next")))
                    .extracting(
                            event -> event.data().at("/data/userEvents/userId").asString())
                    .containsExactlyInAnyOrder(FeedCursors.globalId(third), fourth);
        }
    }

    @Test
    void gaugeShowsHowLongEventsAreHeldBack() throws Exception {
        directory.createUser();
        String start = newestCursor();
        try (Connection other = dataSource.getConnection();
                Statement statement = other.createStatement();
                EventStreamClient live = follow(start)) {
            other.setAutoCommit(false);
            statement.execute("insert into users (id, name, email, active, created_at, updated_at, version) values ("
                    + "uuidv7(), 'Slow', '" + Directory.newEmail() + "', true, now(), now(), 0)");
            long began = System.nanoTime();
            directory.createUser();

            await().until(() -> heldBack() > 2);
            assertThat(heldBack()).isLessThan(1 + (System.nanoTime() - began) / 1e9);
            assertThat(live.poll(1)).isNull();
            other.rollback();

            live.expect("next");
            await().untilAsserted(() -> assertThat(heldBack()).isZero());
        }
    }

    @Test
    void feedSkipsEventsOfUnknownTypes() throws Exception {
        directory.createUser();
        String start = newestCursor();
        String check = jdbc.queryForObject(
                "select pg_get_constraintdef(oid) from pg_constraint where conname = 'user_events_type_check'",
                String.class);
        jdbc.execute("alter table user_events drop constraint user_events_type_check");
        try (EventStreamClient live = follow(start)) {
            jdbc.update("insert into user_events (type, user_id) values ('MERGED', gen_random_uuid())");
            String user = directory.createUser();

            assertThat(live.expect("next").data().at("/data/userEvents/userId").asString())
                    .isEqualTo(user);
        } finally {
            jdbc.update("delete from user_events where type = 'MERGED'");
            jdbc.execute("alter table user_events add constraint user_events_type_check " + check);
        }
    }

    @Test
    void cursorOfATrimmedEventIsValidForUsersWithoutOtherTrimmedEvents() throws Exception {
        String quiet = directory.createUser();
        String cursor = newestCursor();
        String busy = directory.createUser();
        rename(busy);
        directory.createUser();
        // Other tests may have left many events.
        await().atMost(Duration.ofMinutes(1)).untilAsserted(() -> {
            trimming.trim(jdbc, Duration.ofSeconds(-10), 20_000);
            assertThat(code(cursor, null)).isEqualTo("EVENTS_EXPIRED");
            assertThat(code(cursor, busy)).isEqualTo("EVENTS_EXPIRED");
        });
        try (EventStreamClient live = follow(cursor, quiet)) {
            rename(quiet);
            assertThat(live.expect("next").data().at("/data/userEvents/userId").asString())
                    .isEqualTo(quiet);
        }
    }

    private String code(String after, @Nullable String user) throws Exception {
        try (EventStreamClient stream = follow(after, user)) {
            return stream.expect("next").data().at("/errors/0/extensions/code").asString();
        }
    }

    private void rename(String user) {
        client.data(
                "mutation ($id: ID!, $name: String!) { updateUser(id: $id, name: $name) { user { id } } }",
                Map.of("id", user, "name", UUID.randomUUID().toString()));
    }

    private double heldBack() {
        return meters.get("directory.feed.held.back").timeGauge().value(TimeUnit.SECONDS);
    }

    private EventStreamClient follow(String after) throws Exception {
        return follow(after, null);
    }

    private EventStreamClient follow(String after, @Nullable String user) throws Exception {
        return new EventStreamClient(
                client.uri("/graphql"),
                Tokens.withScopes("users:read"),
                FEED,
                user == null ? Map.of("after", after) : Map.of("after", after, "userId", user),
                null);
    }

    private int readers() {
        Integer count = jdbc.queryForObject("select count(*) from pg_stat_activity where " + READER, Integer.class);
        return count == null ? 0 : count;
    }

    private String newestCursor() {
        return client.data("{ userEvents(first: 0) { newestCursor } }")
                .at("/userEvents/newestCursor")
                .asString();
    }
}
