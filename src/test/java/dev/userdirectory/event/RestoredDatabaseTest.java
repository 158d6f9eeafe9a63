package dev.userdirectory.event;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.userdirectory.Client;
import dev.userdirectory.Directory;
import dev.userdirectory.DirectoryTest;
import dev.userdirectory.Instance;
import dev.userdirectory.PostgresServer;
import dev.userdirectory.Soak;
import dev.userdirectory.Tokens;
import dev.userdirectory.relay.Cursors;
import dev.userdirectory.subscription.EventStreamClient;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.jdbc.autoconfigure.JdbcConnectionDetails;
import org.springframework.boot.test.context.TestConfiguration;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Import;
import org.springframework.context.annotation.Primary;
import tools.jackson.databind.JsonNode;

/** The feed while its database crashes or is restored to an older state. */
@Soak("kills and restores PostgreSQL")
@DirectoryTest
@Import(RestoredDatabaseTest.OwnServer.class)
class RestoredDatabaseTest {
    private static final String FEED =
            "subscription ($after: String) { userEvents(after: $after) { type cursor userId } }";
    private static final PostgresServer SERVER = new PostgresServer();

    @Autowired
    Client client;

    @Autowired
    Directory directory;

    @Autowired
    Cursors cursors;

    @TestConfiguration(proxyBeanMethods = false)
    static class OwnServer {
        @Bean
        @Primary
        JdbcConnectionDetails ownServer() {
            return SERVER.details();
        }
    }

    /** A restart begins an era, whose row is written by whoever first reads the feed. */
    @Test
    void feedIsReadWhileNoSynchronousStandbyIsConnected() throws Exception {
        String user = directory.createUser();
        String cursor = newestCursor();
        String next = directory.createUser();
        SERVER.jdbc().execute("alter system set synchronous_standby_names = '*'");
        try {
            SERVER.killAndRestart();

            try (EventStreamClient live = await().atMost(Duration.ofSeconds(30))
                    .ignoreExceptions()
                    .until(() -> follow(cursor), stream -> stream.status() == 200)) {
                cursorOf(live, next);
            }
            assertThat(directory.user(user).isNull()).isFalse();
            try (ConfigurableApplicationContext another = Instance.start(SERVER.details())) {
                JsonNode data = another.getBean(Client.class)
                        .data("query ($id: ID!) { user(id: $id) { id } }", Map.of("id", user));
                assertThat(data.at("/user/id").asString()).isEqualTo(user);
            }
        } finally {
            SERVER.jdbc().execute("alter system reset synchronous_standby_names");
            SERVER.jdbc().execute("select pg_reload_conf()");
        }
    }

    /** Another program commits without waiting for the disk, so a crash may undo the commit after it was visible. */
    @Test
    void followersSeeNoEventThatACrashUndoes() throws Exception {
        try (EventStreamClient live = follow(null)) {
            for (int i = 0; i < 3; i++) {
                String user = insertWithoutWaitingForTheDisk();
                String cursor = cursorOf(live, user);

                killBackend();
                String after = createUserOnceTheDatabaseIsBack();

                cursorOf(live, after);
                try (EventStreamClient resumed = follow(cursor)) {
                    cursorOf(resumed, after);
                }
                assertThat(client.data("query ($id: ID!) { user(id: $id) { id } }", Map.of("id", user))
                                .at("/user/id")
                                .asString())
                        .isEqualTo(user);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void cursorsOfLostEventsExpire(boolean onNewTimeline) throws Exception {
        String kept = directory.createUser();
        String cursorOfKept = newestCursor();
        try (EventStreamClient live = follow(cursorOfKept)) {
            Path copy = SERVER.copy();
            String lost = directory.createUser();
            String cursorOfLost = cursorOf(live, lost);

            SERVER.restore(copy, onNewTimeline);
            createUserOnceTheDatabaseIsBack();

            assertThat(live.expect("next")
                            .data()
                            .at("/errors/0/extensions/code")
                            .asString())
                    .isEqualTo("EVENTS_EXPIRED");
            FeedCursors.reuse(SERVER.jdbc(), cursorOfLost);
            String after = directory.createUser();

            assertExpired(cursorOfLost);
            try (EventStreamClient resumed = follow(cursorOfKept)) {
                assertThat(resumed.expect("next")
                                .data()
                                .at("/data/userEvents/userId")
                                .asString())
                        .isNotEqualTo(lost);
                cursorOf(resumed, after);
            }
            assertThat(directory.user(kept).isNull()).isFalse();
            assertThat(directory.user(lost).isNull()).isTrue();
        }
    }

    /** A lost event may precede an event that remains, since it was committed later. */
    @Test
    void cursorsBeforeTheNewestEventThatIsLeftExpire() throws Exception {
        try (Connection late = SERVER.connect();
                Statement statement = late.createStatement();
                EventStreamClient live = follow(null)) {
            late.setAutoCommit(false);
            UUID lost = UUID.randomUUID();
            statement.execute(insert(lost));
            String left = directory.createUser();
            Path copy = SERVER.copy();
            late.commit();
            live.expect("next");
            String cursor = cursorOf(live, left);

            SERVER.restore(copy, true);
            createUserOnceTheDatabaseIsBack();

            assertThat(directory.user(left).isNull()).isFalse();
            assertExpired(cursor);
        }
    }

    /** As behind a pooler, which keeps the reader's connection open and moves it to another server. */
    @Test
    void followersNoticeAnotherServerBehindTheConnection() throws Exception {
        try (EventStreamClient live = follow(null)) {
            String seen = directory.createUser();
            String cursor = cursorOf(live, seen);

            SERVER.jdbc()
                    .update("insert into feed_eras (system_identifier, timeline, server_started, events, began_after)"
                            + " select system_identifier, timeline, server_started, events, '0/0' from feed_eras"
                            + " order by number desc limit 1");

            assertThat(live.expect("next")
                            .data()
                            .at("/errors/0/extensions/code")
                            .asString())
                    .isEqualTo("EVENTS_EXPIRED");
            assertExpired(cursor);
        }
    }

    /** Their cursor is of an instance that has seen more of the log than the reader of this one. */
    @Test
    void followersAheadOfTheReaderAreChecked() throws Exception {
        try (EventStreamClient live = follow(null)) {
            String seen = directory.createUser();
            Position reached = FeedCursors.position(cursorOf(live, seen));
            String began = SERVER.jdbc()
                    .queryForObject("select pg_logical_emit_message(true, 'test', 'lost')::text", String.class);
            long wal = Objects.requireNonNull(SERVER.jdbc().queryForObject("select feed_wal()", Long.class));
            String ahead = cursors.encode(
                    "userEvents",
                    reached.transaction(),
                    reached.sequence(),
                    reached.seen().era(),
                    wal);
            try (EventStreamClient other = follow(ahead)) {
                SERVER.jdbc()
                        .update(
                                "insert into feed_eras (system_identifier, timeline, server_started, events, began_after)"
                                        + " select system_identifier, timeline, server_started, events, ?::pg_lsn"
                                        + " from feed_eras order by number desc limit 1",
                                began);

                assertThat(other.expect("next")
                                .data()
                                .at("/errors/0/extensions/code")
                                .asString())
                        .isEqualTo("EVENTS_EXPIRED");
                cursorOf(live, directory.createUser());
            }
        }
    }

    private void assertExpired(String cursor) throws Exception {
        try (EventStreamClient resumed = follow(cursor)) {
            assertThat(resumed.expect("next")
                            .data()
                            .at("/errors/0/extensions/code")
                            .asString())
                    .isEqualTo("EVENTS_EXPIRED");
        }
        assertThat(client.error(
                                "query ($after: String) { userEvents(after: $after) { nodes { type } } }",
                                Map.of("after", cursor))
                        .at("/extensions/code")
                        .asString())
                .isEqualTo("EVENTS_EXPIRED");
    }

    private EventStreamClient follow(@Nullable String after) throws Exception {
        return new EventStreamClient(
                client.uri("/graphql"),
                Tokens.withScopes("users:read"),
                FEED,
                after == null ? Map.of() : Map.of("after", after),
                null);
    }

    /** Reads events up to the one of that user, and returns its cursor. */
    private static String cursorOf(EventStreamClient stream, String user) throws InterruptedException {
        while (true) {
            EventStreamClient.Event event = stream.expect("next");
            assertThat(event.data().has("errors")).as("%s", event).isFalse();
            if (event.data().at("/data/userEvents/userId").asString().equals(user)) {
                return event.data().at("/data/userEvents/cursor").asString();
            }
        }
    }

    private String createUserOnceTheDatabaseIsBack() {
        return await().atMost(Duration.ofSeconds(30))
                .ignoreExceptions()
                .until(() -> directory.createUsers(1), users -> users.size() == 1)
                .getFirst();
    }

    private String newestCursor() {
        return await().until(
                        () -> client.data("{ userEvents(first: 0) { newestCursor } }")
                                .at("/userEvents/newestCursor"),
                        cursor -> cursor.isString())
                .asString();
    }

    private static String insertWithoutWaitingForTheDisk() throws SQLException {
        UUID id = UUID.randomUUID();
        try (Connection connection = SERVER.connect();
                Statement statement = connection.createStatement()) {
            statement.execute("set synchronous_commit = off");
            statement.execute(insert(id));
        }
        return FeedCursors.globalId(id);
    }

    private static String insert(UUID id) {
        return "insert into users (id, name, email, active, created_at, updated_at, version) values ('" + id
                + "', 'Other', '" + id + "@example.com', true, now(), now(), 0)";
    }

    private static void killBackend() throws Exception {
        try (Connection connection = SERVER.connect();
                Statement statement = connection.createStatement()) {
            ResultSet pid = statement.executeQuery("select pg_backend_pid()");
            pid.next();
            ProcessHandle.of(pid.getLong(1)).orElseThrow().destroyForcibly();
        } catch (SQLException e) {
            // The killed process was the connection's own.
        }
    }
}
