package dev.userdirectory.graphql.operation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.userdirectory.Client;
import dev.userdirectory.Directory;
import dev.userdirectory.DirectoryTest;
import dev.userdirectory.Locks;
import dev.userdirectory.TestPostgres;
import dev.userdirectory.Waiting;
import java.io.IOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.test.context.TestPropertySource;
import tools.jackson.databind.JsonNode;

/** Requests that wait for a table that the test has locked. */
@DirectoryTest
@TestPropertySource(
        properties = {
            "directory.limits.deadline=3s",
            // Lets the service stop the SQL before PostgreSQL does.
            "directory.database.grace=1m",
            "logging.level.dev.userdirectory.graphql.operation.DeadlineInterceptor=error",
            "spring.datasource.hikari.data-source-properties.ApplicationName=deadline"
        })
class DeadlineTest {
    private static final Duration LIMIT = Duration.ofSeconds(3);
    /** On a busy machine, a request may exceed its deadline first. */
    private static final int ATTEMPTS = 5;

    private static final String USERS = "{ users(first: 1) { nodes { id } } }";

    @Autowired
    Client client;

    @Autowired
    Directory directory;

    /** The first requests of a test run are slow, because they also load classes. */
    @BeforeEach
    void warmUp() {
        for (String document :
                List.of(USERS, "mutation { createUser(name: \"Early\", email: \"%s\") { user { name } } }")) {
            int attempts = 20;
            while (client.execute(document.formatted(Directory.newEmail()), Map.of())
                            .has("errors")
                    && attempts-- > 0) {}
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                USERS,
                "{ node(id: \"ID\") { id } }",
                "{ a: users { nodes { id } } b: users { totalCount } c: users { totalCount } }",
                "mutation { updateUser(id: \"ID\", name: \"Late\") { user { name } } }",
                "mutation { createUser(name: \"Late\", email: \"late@example.com\") { user { name } } }"
            })
    void answersByTheDeadlineAndStopsTheSql(String document) throws Exception {
        String id = directory.createUser();
        JsonNode error;
        long started;
        try (Locks users = Locks.holding("users")) {
            started = System.nanoTime();
            JsonNode response = client.execute(document.replace("ID", id), Map.of());
            assertThat(since(started)).isBetween(LIMIT.minusMillis(50), LIMIT.plusSeconds(20));
            assertThat(response.get("data").isNull()).isTrue();
            assertThat(response.get("errors")).hasSize(1);
            error = response.at("/errors/0");
            awaitEndOfSql();
        }

        assertThat(error.at("/extensions/code").asString()).isEqualTo("DEADLINE_EXCEEDED");
        assertThat(error.at("/extensions/limit").asInt()).isEqualTo(3000);
        assertThat(error.get("message").asString()).startsWith("Stopped after 3000 ms");
        assertThat(directory.user(id).get("name").asString()).isNotEqualTo("Late");
        assertThat(client.data("{ userByEmail(email: \"late@example.com\") { id } }")
                        .get("userByEmail")
                        .isNull())
                .isTrue();
    }

    @Test
    void answersManyBlockedRequestsByTheDeadlineAndLaterOnesNormally() throws Exception {
        try (Locks users = Locks.holding("users")) {
            long started = System.nanoTime();
            List<CompletableFuture<JsonNode>> responses = IntStream.range(0, 40)
                    .mapToObj(i -> CompletableFuture.supplyAsync(
                            () -> client.execute(USERS, Map.of()), task -> Thread.startVirtualThread(task)))
                    .toList();
            for (CompletableFuture<JsonNode> response : responses) {
                assertThat(response.join().at("/errors/0/extensions/code").asString())
                        .isEqualTo("DEADLINE_EXCEEDED");
            }
            assertThat(since(started)).isLessThan(LIMIT.plusSeconds(6));
            awaitEndOfSql();
        }

        assertThat(client.data(USERS)).isNotNull();
    }

    @ParameterizedTest
    @ValueSource(strings = {USERS, "mutation { createUser(name: \"A\", email: \"gone@example.com\") { user { id } } }"})
    void stopsTheSqlWhenTheClientDisconnects(String document) throws Exception {
        Duration beforeDeadline = LIMIT.minusMillis(200);
        Duration taken = LIMIT;
        for (int attempt = 0; attempt < ATTEMPTS && taken.compareTo(beforeDeadline) >= 0; attempt++) {
            try (Locks users = Locks.holding("users")) {
                long started = System.nanoTime();
                try (Socket socket = client.open(document, Map.of())) {
                    users.awaitWaiting();
                }
                Waiting.until(() -> running().isEmpty());
                taken = since(started);
            }
        }
        assertThat(taken).as("not by the deadline").isLessThan(beforeDeadline);
    }

    @Test
    void continuesWhenTheClientSendsItsNextRequest() throws Exception {
        List<String> responses = List.of();
        for (int attempt = 0; attempt < ATTEMPTS && !areComplete(responses); attempt++) {
            responses = responsesToTwoRequests();
        }
        assertThat(areComplete(responses)).as("%s", responses).isTrue();
    }

    private static boolean areComplete(List<String> responses) {
        return responses.size() == 2 && responses.stream().allMatch(response -> response.contains("totalCount"));
    }

    /** Sends the second request while the first one is executed. */
    private List<String> responsesToTwoRequests() throws Exception {
        String document = "{ users(first: 0) { totalCount } }";
        try (Socket socket = new Socket("localhost", client.uri("/").getPort())) {
            try (Locks users = Locks.holding("users")) {
                client.write(socket, document, Map.of());
                users.awaitWaiting();
                client.write(socket, document, Map.of());
                // Meanwhile, the service polls several times for a disconnect.
                Waiting.briefly(() -> running().isEmpty());
            }
            return responses(socket, 2);
        }
    }

    private static List<String> responses(Socket socket, int count) throws IOException {
        socket.setSoTimeout(10_000);
        StringBuilder read = new StringBuilder();
        byte[] bytes = new byte[10_000];
        while (read.toString().split("\"data\"", -1).length <= count) {
            int length = socket.getInputStream().read(bytes);
            if (length < 0) {
                break;
            }
            read.append(new String(bytes, 0, length, StandardCharsets.UTF_8));
        }
        List<String> parts = List.of(read.toString().split("\"data\"", -1));
        return parts.subList(1, parts.size());
    }

    /** Stopped by the service, before PostgreSQL's own timeout applies. */
    private void awaitEndOfSql() {
        await().atMost(Duration.ofSeconds(20)).until(() -> running().isEmpty());
    }

    /** The work that PostgreSQL does for the service: a statement, or a transaction that was left open. */
    private List<String> running() throws SQLException {
        try (Connection connection = TestPostgres.connect();
                Statement statement = connection.createStatement();
                var rows = statement.executeQuery("select state || ' ' || query from pg_stat_activity"
                        + " where application_name = 'deadline' and state <> 'idle'")) {
            List<String> found = new ArrayList<>();
            while (rows.next()) {
                found.add(rows.getString(1));
            }
            return found;
        }
    }

    private static Duration since(long started) {
        return Duration.ofNanos(System.nanoTime() - started);
    }
}
