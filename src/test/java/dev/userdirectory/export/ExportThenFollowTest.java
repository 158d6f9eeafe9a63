package dev.userdirectory.export;

import static org.assertj.core.api.Assertions.assertThat;

import dev.userdirectory.Client;
import dev.userdirectory.Directory;
import dev.userdirectory.DirectoryTest;
import dev.userdirectory.TestPostgres;
import dev.userdirectory.Tokens;
import dev.userdirectory.Waiting;
import dev.userdirectory.mirror.Mirror;
import dev.userdirectory.subscription.EventStreamClient;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.jdbc.core.JdbcTemplate;
import tools.jackson.databind.JsonNode;

/** An export and the feed after its cursor together contain every change once. */
@DirectoryTest
class ExportThenFollowTest {
    private static final int WRITERS = 6;
    private static final int EXPORTS = 10;
    private static final String CREATED = """
            subscription ($after: String) {
              directoryEvents(after: $after) { cursor ... on UserCreated { user { id name } } }
            }""";

    @Autowired
    Client client;

    @Autowired
    Directory directory;

    @Autowired
    JdbcTemplate jdbc;

    @BeforeEach
    void startFeed() {
        directory.createUser();
    }

    /** In the feed, the late user comes before the early one, but the export contains only the early one. */
    @ParameterizedTest
    @ValueSource(ints = {1, 100})
    void feedOmitsExportedChanges(int first) throws Exception {
        try (Connection late = begin()) {
            insert(late, "Late");
            directory.createGroup("Early", directory.createUsers(2));

            Mirror mirror = new Mirror(new ExportClient(client).lines());
            directory.createGroup("After", directory.createUsers(2));
            late.commit();
            directory.settle();
            mirror.follow(client::data, first);

            assertEqualsTables(mirror);
        }
    }

    @Test
    void subscriptionsOmitExportedChangesEvenAfterResuming() throws Exception {
        try (Connection late = begin();
                Connection later = begin()) {
            insert(late, "Late");
            insert(later, "Later");
            directory.createUsers(1);
            String cursor = new Mirror(new ExportClient(client).lines()).cursor();
            late.commit();
            later.commit();
            String resume;
            try (EventStreamClient stream = follow(Map.of("after", cursor), null)) {
                JsonNode event = next(stream);
                assertThat(event.at("/user/name").asString()).isEqualTo("Late");
                resume = event.get("cursor").asString();
            }
            try (EventStreamClient stream = follow(Map.of("after", resume), null);
                    EventStreamClient again = follow(Map.of(), resume)) {
                for (EventStreamClient resumed : List.of(stream, again)) {
                    assertThat(next(resumed).at("/user/name").asString()).isEqualTo("Later");
                }
                String last = directory.createUser();
                assertThat(next(stream).at("/user/id").asString()).isEqualTo(last);
            }
        }
    }

    /** Once a cursor is past all changes that the export contains, it is like any other cursor. */
    @Test
    void cursorForgetsTheExportAfterAllItsChanges() throws Exception {
        Mirror mirror = new Mirror(new ExportClient(client).lines());
        int length = mirror.cursor().length();
        directory.createUser();
        mirror.follow(client::data, 100);

        assertThat(mirror.cursor().length()).isLessThan(length);
    }

    @Test
    void mirrorIsExactWhileWritersCommitLateAndOutOfOrder() throws Exception {
        long seed = System.nanoTime();
        AtomicBoolean writing = new AtomicBoolean(true);
        AtomicInteger commits = new AtomicInteger();
        List<Mirror> mirrors = new ArrayList<>();
        try (ExecutorService threads = Executors.newFixedThreadPool(WRITERS)) {
            List<Future<?>> writers = new ArrayList<>();
            for (int i = 0; i < WRITERS; i++) {
                Random random = new Random(seed + i);
                writers.add(threads.submit((Callable<?>) () -> write(random, writing, commits)));
            }
            try {
                for (int i = 0; i < EXPORTS; i++) {
                    int before = commits.get();
                    mirrors.add(new Mirror(new ExportClient(client).lines()));
                    Waiting.until(() -> commits.get() > before + WRITERS);
                }
            } finally {
                writing.set(false);
            }
            for (Future<?> writer : writers) {
                writer.get();
            }
        }
        directory.settle();
        for (Mirror mirror : mirrors) {
            mirror.follow(client::data, 100);
            assertEqualsTables(mirror);
        }
    }

    private static int write(Random random, AtomicBoolean writing, AtomicInteger commits) throws Exception {
        try (Connection connection = begin();
                Statement statement = connection.createStatement()) {
            while (writing.get()) {
                try {
                    for (int i = random.nextInt(4); i >= 0; i--) {
                        statement.execute(change(random));
                        Thread.sleep(random.nextInt(5));
                    }
                    connection.commit();
                    commits.incrementAndGet();
                } catch (SQLException e) {
                    // a deadlock, or a row that is gone
                    connection.rollback();
                }
            }
            connection.rollback();
            return commits.get();
        }
    }

    private static String change(Random random) {
        String anyUser = "(select id from users order by random() limit 1)";
        String anyGroup = "(select id from groups order by random() limit 1)";
        return switch (random.nextInt(8)) {
            case 0, 1 ->
                "insert into users (id, name, email, active, created_at, updated_at, version)"
                        + " values (uuidv7(), 'Mirrored', uuidv7() || '@example.com', true, now(), now(), 0)";
            case 2 -> "update users set name = name || '.', version = version + 1 where id = " + anyUser;
            case 3 -> "delete from users where name like 'Mirrored%' and id = " + anyUser;
            case 4 ->
                "insert into groups (id, name, created_at, updated_at, version)"
                        + " values (uuidv7(), 'Mirrored', now(), now(), 0)";
            case 5 -> "delete from groups where name = 'Mirrored' and id = " + anyGroup;
            case 6 ->
                "insert into group_members (group_id, user_id, joined_at) select " + anyGroup + ", " + anyUser
                        + ", now() on conflict do nothing";
            default ->
                "delete from group_members where (group_id, user_id) = (select group_id, user_id from group_members order by random() limit 1)";
        };
    }

    /** A new export equals the tables, as another test shows. */
    private void assertEqualsTables(Mirror mirror) {
        Mirror tables = new Mirror(new ExportClient(client).lines());
        assertThat(mirror.objects()).isEqualTo(tables.objects());
        assertThat(mirror.members()).isEqualTo(tables.members());
    }

    private static Connection begin() throws SQLException {
        Connection connection = TestPostgres.connect();
        connection.setAutoCommit(false);
        return connection;
    }

    private static void insert(Connection connection, String name) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute(
                    "insert into users (id, name, email, active, created_at, updated_at, version) values (uuidv7(), '"
                            + name + "', uuidv7() || '@example.com', true, now(), now(), 0)");
        }
    }

    private EventStreamClient follow(Map<String, ?> arguments, @Nullable String lastEventId) throws Exception {
        return new EventStreamClient(
                client.uri("/graphql"), Tokens.withScopes("users:read"), CREATED, arguments, lastEventId);
    }

    private static JsonNode next(EventStreamClient stream) throws InterruptedException {
        return stream.expect("next").data().at("/data/directoryEvents");
    }
}
