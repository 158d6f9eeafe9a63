package dev.userdirectory.graphql.cache;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.userdirectory.Client;
import dev.userdirectory.Directory;
import dev.userdirectory.DirectoryTest;
import dev.userdirectory.Locks;
import dev.userdirectory.TestPostgres.Statements;
import dev.userdirectory.Waiting;
import io.micrometer.core.instrument.MeterRegistry;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.Statement;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.jdbc.autoconfigure.JdbcConnectionDetails;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.transaction.PlatformTransactionManager;
import org.springframework.transaction.support.TransactionTemplate;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

@DirectoryTest
class ResponseCacheTest {
    private static final String USER = "query ($id: ID!) { user(id: $id) { name version } }";

    private final Client client;
    private final Directory directory;
    private final Statements statements;
    private final MeterRegistry meters;
    private final JdbcConnectionDetails postgres;
    private final DatabaseState database;
    private final JdbcTemplate jdbc;
    private final TransactionTemplate transactions;

    @Autowired
    ResponseCacheTest(
            Client client,
            Directory directory,
            Statements statements,
            MeterRegistry meters,
            JdbcConnectionDetails postgres,
            DatabaseState database,
            JdbcTemplate jdbc,
            PlatformTransactionManager transactions) {
        this.client = client;
        this.directory = directory;
        this.statements = statements;
        this.meters = meters;
        this.postgres = postgres;
        this.database = database;
        this.jdbc = jdbc;
        this.transactions = new TransactionTemplate(transactions);
    }

    @Test
    void answersAgainWithoutReadingTheUser() {
        Map<String, String> id = Map.of("id", directory.createUser());
        JsonNode first = client.data(USER, id);

        assertThat(isHit(() -> assertThat(client.data(USER, id)).isEqualTo(first)))
                .isTrue();
        assertThat(statements.executed()).isEmpty();
    }

    @Test
    void dropsWhatAWriteHasMadeOld() {
        List<String> ids = directory.createUsers(30);
        ids.forEach(id -> client.data(USER, Map.of("id", id)));
        double before = meters.get("directory.cache.memory").gauge().value();

        rename(ids.getFirst(), "Later");
        client.data(USER, Map.of("id", ids.getFirst()));

        assertThat(before).isGreaterThan(5_000);
        assertThat(meters.get("directory.cache.memory").gauge().value()).isLessThan(before / 3);
    }

    /** PostgreSQL's own housekeeping also commits, but not between every first and second time. */
    @Test
    void keepsTheVeryFirstAnswer() {
        Map<String, String> id = Map.of("id", directory.createUser());
        assertThat(IntStream.range(0, 10).anyMatch(i -> {
                    String neverAsked = USER + " # first " + i;
                    double before = hits();
                    client.data(neverAsked, id);
                    client.data(neverAsked, id);
                    return hits() > before;
                }))
                .isTrue();
    }

    @Test
    void cachesEntitiesAsLongAsTheirTypesAllow() {
        String id = directory.createUser();
        HttpResponse<String> response = client.post(
                "query ($r: [_Any!]!) { _entities(representations: $r) { ... on User { name groups(first: 1) {"
                        + " totalCount } } } }",
                Map.of("r", List.of(Map.of("__typename", "User", "id", id))));

        assertThat(response.body()).contains("User 0");
        assertThat(response.headers().firstValue("Cache-Control")).hasValue("max-age=30, private");
    }

    @Test
    void neverAnswersWithWhatWasBeforeAWrite() {
        String id = directory.createUser();
        for (int i = 0; i < 20; i++) {
            for (int repeat = 0; repeat < 3; repeat++) {
                assertThat(client.data(USER, Map.of("id", id))
                                .at("/user/version")
                                .asInt())
                        .isEqualTo(i);
            }
            rename(id, "Name " + i);
        }
        client.data("mutation ($id: ID!) { deleteUser(id: $id) { errors { code } } }", Map.of("id", id));
        assertThat(client.data(USER, Map.of("id", id)).get("user").isNull()).isTrue();
    }

    /** After each transaction of the service, another one wakes the readers of its feed and changes nothing. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void isNotEmptiedByHints(boolean anotherTransactionIsOpen) throws Exception {
        try (Connection connection = DriverManager.getConnection(
                        postgres.getJdbcUrl(), postgres.getUsername(), postgres.getPassword());
                Statement other = connection.createStatement()) {
            connection.setAutoCommit(false);
            if (anotherTransactionIsOpen) {
                other.execute("select pg_current_xact_id()");
            }
            // One of several attempts: PostgreSQL's own housekeeping also commits.
            assertThat(IntStream.range(0, 10).anyMatch(i -> {
                        // A commit that sends no hint.
                        jdbc.queryForObject("select pg_current_xact_id()", String.class);
                        String state = database.current();
                        String snapshot = snapshot();
                        // Nothing has changed, but the service does not know that.
                        transactions.executeWithoutResult(status -> {});
                        await().until(() -> !snapshot().equals(snapshot));
                        return Objects.equals(database.current(), state);
                    }))
                    .isTrue();
        }
    }

    private String snapshot() {
        return String.valueOf(jdbc.queryForObject("select pg_current_snapshot()", String.class));
    }

    @Test
    void tellsVariablesOperationsAndCallersApart() {
        String document =
                "query A($id: ID!) { user(id: $id) { name } } query B($id: ID!) { user(id: $id) { version } }";
        List<String> ids = directory.createUsers(2);
        for (int repeat = 0; repeat < 3; repeat++) {
            for (String id : ids) {
                assertThat(data(client, document, "A", id).has("name")).isTrue();
                assertThat(data(client, document, "B", id).has("version")).isTrue();
            }
            assertThat(client.data(USER, Map.of("id", ids.get(0)))
                            .at("/user/name")
                            .asString())
                    .isEqualTo("User 0");
            assertThat(client.data(USER, Map.of("id", ids.get(1)))
                            .at("/user/name")
                            .asString())
                    .isEqualTo("User 1");
            assertThat(client.as("users:write")
                            .error(USER, Map.of("id", ids.get(0)))
                            .at("/extensions/code")
                            .asString())
                    .isEqualTo("FORBIDDEN");
            assertThat(client.anonymous()
                            .error(USER, Map.of("id", ids.get(0)))
                            .at("/extensions/code")
                            .asString())
                    .isEqualTo("UNAUTHENTICATED");
        }
    }

    @Test
    void keepsNothingThatTheSchemaDoesNotAllowNorErrors() {
        double before = hits();
        for (int repeat = 0; repeat < 4; repeat++) {
            client.data("{ userEvents(first: 1) { nodes { cursor } } }");
            client.data("{ __typename }");
            client.error("{ user(id: \"none\") { name } }", Map.of());
            client.data("mutation { createUser(name: \"\", email: \"\") { errors { code } } }");
        }
        assertThat(hits()).isEqualTo(before);
    }

    @Test
    void reportsTheCostToWhoAsks() {
        String document = "{ users(first: 1) { nodes { id } } }";
        for (int repeat = 0; repeat < 3; repeat++) {
            client.data(document);
            HttpRequest request = HttpRequest.newBuilder(client.uri("/graphql"))
                    .header("Content-Type", "application/json")
                    .header("GraphQL-Cost", "report")
                    .POST(HttpRequest.BodyPublishers.ofString("{\"query\": \"" + document + "\"}"))
                    .build();
            assertThat(client.send(request).body()).contains("\"cost\"");
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void executesOnceWhatManyAskForAtOnce(boolean known) throws Exception {
        String document = USER + " # known: " + known;
        Map<String, String> id = Map.of("id", directory.createUser());
        if (known) {
            client.data(document, id);
            directory.createUser();
        }
        List<CompletableFuture<JsonNode>> answers;
        double before = requests(known ? "miss" : "uncached");
        try (Locks users = Locks.holding("users")) {
            statements.clear();
            answers = IntStream.range(0, 20)
                    .mapToObj(i -> CompletableFuture.supplyAsync(
                            () -> client.data(document, id), task -> Thread.startVirtualThread(task)))
                    .toList();
            Waiting.until(() -> requests(known ? "miss" : "uncached") == before + 20);
            users.awaitWaiting();
        }
        assertThat(answers.stream().map(CompletableFuture::join).distinct()).hasSize(1);
        assertThat(statements.executed().stream().filter(sql -> sql.contains("from users")))
                .hasSize(1);
    }

    @Test
    void hasBrowsersRevalidateTheirCopies() {
        String id = directory.createUser();
        URI uri = client.uri(
                "/graphql?query=" + URLEncoder.encode("{ user(id: \"" + id + "\") { name } }", StandardCharsets.UTF_8));
        for (int repeat = 0; repeat < 3; repeat++) {
            HttpResponse<String> response =
                    client.send(HttpRequest.newBuilder(uri).build());
            assertThat(response.body()).contains("User 0");
            assertThat(response.headers().firstValue("Cache-Control").orElseThrow())
                    .isEqualTo("no-cache, private");
            assertThat(response.headers().allValues("Vary")).contains("Authorization");
        }
        String etag = client.send(HttpRequest.newBuilder(uri).build())
                .headers()
                .firstValue("ETag")
                .orElseThrow();
        HttpRequest again =
                HttpRequest.newBuilder(uri).header("If-None-Match", etag).build();

        assertThat(client.send(again).statusCode()).isEqualTo(304);
        assertThat(client.send(again).body()).isEmpty();
        rename(id, "Another");
        assertThat(client.send(again).statusCode()).isEqualTo(200);
    }

    private static JsonNode data(Client client, String document, String operation, String id) {
        return JsonMapper.shared()
                .readTree(client.post(
                                Map.of("query", document, "operationName", operation, "variables", Map.of("id", id)))
                        .body())
                .at("/data/user");
    }

    private void rename(String id, String name) {
        client.data(
                "mutation ($id: ID!, $name: String!) { updateUser(id: $id, name: $name) { user { id } } }",
                Map.of("id", id, "name", name));
    }

    /** One of several attempts: PostgreSQL's own housekeeping also commits. */
    private boolean isHit(Runnable request) {
        for (int i = 0; i < 10; i++) {
            double before = hits();
            statements.clear();
            request.run();
            if (hits() > before) {
                return true;
            }
        }
        return false;
    }

    private double hits() {
        return requests("hit");
    }

    private double requests(String result) {
        return meters.get("directory.cache.requests")
                .tag("result", result)
                .counter()
                .count();
    }
}
