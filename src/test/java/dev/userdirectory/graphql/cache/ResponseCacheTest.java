package dev.userdirectory.graphql.cache;

import static org.assertj.core.api.Assertions.assertThat;

import dev.userdirectory.Client;
import dev.userdirectory.Directory;
import dev.userdirectory.DirectoryTest;
import dev.userdirectory.Locks;
import dev.userdirectory.SharedSettings;
import dev.userdirectory.TestPostgres.Statements;
import dev.userdirectory.Waiting;
import dev.userdirectory.relay.GlobalIds;
import io.micrometer.core.instrument.MeterRegistry;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.jdbc.core.JdbcTemplate;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

@DirectoryTest
@SharedSettings // the deadline
class ResponseCacheTest {
    private static final String USER = "query ($id: ID!) { user(id: $id) { name version } }";
    /** Reads the user first, and then, in a second statement, the groups. */
    private static final String USER_AND_GROUPS =
            "query ($id: ID!) { user(id: $id) { name groups(first: 1) { nodes { name } } } }";

    private final Client client;
    private final Directory directory;
    private final Statements statements;
    private final MeterRegistry meters;
    private final JdbcTemplate jdbc;
    private final GlobalIds globalIds;

    @Autowired
    ResponseCacheTest(
            Client client,
            Directory directory,
            Statements statements,
            MeterRegistry meters,
            JdbcTemplate jdbc,
            GlobalIds globalIds) {
        this.client = client;
        this.directory = directory;
        this.statements = statements;
        this.meters = meters;
        this.jdbc = jdbc;
        this.globalIds = globalIds;
    }

    @Test
    void cachedResponseNeedsNoStatement() {
        Map<String, String> id = Map.of("id", directory.createUser());
        JsonNode first = client.data(USER, id);

        assertThat(isHit(() -> assertThat(client.data(USER, id)).isEqualTo(first)))
                .isTrue();
        assertThat(statements.executed()).isEmpty();
    }

    @Test
    void cachesTheVeryFirstResponse() {
        Map<String, String> id = Map.of("id", directory.createUser());
        String neverAsked = USER + " # first";
        client.data(neverAsked, id);

        assertThat(isHit(() -> client.data(neverAsked, id))).isTrue();
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
    void cachedResponsesAreNeverOlderThanAWrite() {
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

    @Test
    void changedMemberIsShownInItsGroup() {
        String user = directory.createUser();
        Map<String, String> id = Map.of("id", directory.createGroup("Group", List.of(user)));
        String members = "query ($id: ID!) { group(id: $id) { members(first: 3) { nodes { id name } } } }";
        client.data(members, id);
        client.data(members, id);

        rename(user, "Later");

        assertThat(client.data(members, id).at("/group/members/nodes/0/name").asString())
                .isEqualTo("Later");
    }

    @Test
    void rereadsUserWhoWasRenamedDuringTheExecution() throws Exception {
        String user = directory.createUser();

        assertThat(nameReadWhileRenaming(user, user)).isEqualTo("User 0");
        assertThat(nameWithGroups(user)).isEqualTo("Later");
        assertThat(isHit(() -> assertThat(nameWithGroups(user)).isEqualTo("Later")))
                .isTrue();
    }

    @Test
    void reusesResponseIfOnlyAnotherUserWasRenamedDuringTheExecution() throws Exception {
        List<String> users = directory.createUsers(2);

        assertThat(nameReadWhileRenaming(users.getFirst(), users.getLast())).isEqualTo("User 0");
        assertThat(isHit(() -> assertThat(nameWithGroups(users.getFirst())).isEqualTo("User 0")))
                .isTrue();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "query ($r: [_Any!]!) { _entities(representations: $r) { ... on User { name } ... on Group { name } } }",
                "query ($ids: [ID!]!) { nodes(ids: $ids) { ... on User { name } ... on Group { name } } }"
            })
    void loadsOnlyObjectsThatHaveChanged(String query) {
        List<String> ids = new ArrayList<>(directory.createUsers(98));
        ids.add(directory.createGroup("Group 1", List.of()));
        ids.add(directory.createGroup("Group 2", List.of()));
        Map<String, Object> variables = Map.of(
                "ids",
                ids,
                "r",
                ids.stream()
                        .map(id -> Map.of("__typename", ids.indexOf(id) < 98 ? "User" : "Group", "id", id))
                        .toList());
        List<String> names = new ArrayList<>(client.data(query, variables).findValuesAsString("name"));

        rename(ids.get(0), "Later");
        rename(ids.get(9), "Later, too");
        jdbc.update("update groups set name = 'Group 3' where id = ?", uuid(ids.get(99)));
        names.set(0, "Later");
        names.set(9, "Later, too");
        names.set(99, "Group 3");
        statements.clear();

        assertThat(client.data(query, variables).findValuesAsString("name")).isEqualTo(names);
        assertThat(idsInStatements()).containsExactlyInAnyOrder(uuid(ids.get(0)), uuid(ids.get(9)), uuid(ids.get(99)));
        jdbc.update("delete from users where id = ?", uuid(ids.get(0)));
        assertThat(client.data(query, variables).findValuesAsString("name")).isEqualTo(names.subList(1, 100));
    }

    @Test
    void otherWritesEvictNothing() {
        Map<String, String> id = Map.of("id", directory.createUser());
        client.data(USER, id);
        client.data(USER, id);

        String other = directory.createUser();
        rename(other, "Another");
        directory.createGroup("Group", List.of(other, id.get("id")));
        jdbc.execute("create table if not exists unrelated ()");

        assertThat(isHit(() -> client.data(USER, id))).isTrue();
    }

    @Test
    void responsesDependOnVariablesOperationAndCaller() {
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
    void cachesNoErrorsAndNothingThatTheSchemaForbids() {
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
    void reportsTheCostOfEachRequestThatAsksForIt() {
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
    void executesConcurrentEqualRequestsOnce(boolean known) throws Exception {
        String document = USER + " # known: " + known;
        String user = directory.createUser();
        Map<String, String> id = Map.of("id", user);
        if (known) {
            client.data(document, id);
            rename(user, "Later");
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
    void browsersRevalidateTheirCopies() {
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

    private UUID uuid(String id) {
        return globalIds.parse("id", id).uuid();
    }

    private List<UUID> idsInStatements() {
        return Pattern.compile("[0-9a-f-]{36}")
                .matcher(statements.withArguments().toString())
                .results()
                .map(MatchResult::group)
                .map(UUID::fromString)
                .toList();
    }

    private void rename(String id, String name) {
        client.data(
                "mutation ($id: ID!, $name: String!) { updateUser(id: $id, name: $name) { user { id } } }",
                Map.of("id", id, "name", name));
    }

    /** Another program renames a user after the operation has read a user, and before it reads that user's groups. */
    private String nameReadWhileRenaming(String read, String renamed) throws SQLException {
        // Afterwards, the policy of the operation is known.
        nameWithGroups(directory.createUser());
        CompletableFuture<String> name;
        try (Locks groups = Locks.holding("groups")) {
            name = CompletableFuture.supplyAsync(() -> nameWithGroups(read), Thread::startVirtualThread);
            groups.awaitWaiting();
            jdbc.update("update users set name = 'Later' where id = ?", uuid(renamed));
        }
        return name.join();
    }

    private String nameWithGroups(String user) {
        return client.data(USER_AND_GROUPS, Map.of("id", user)).at("/user/name").asString();
    }

    private boolean isHit(Runnable request) {
        double before = hits();
        statements.clear();
        request.run();
        return hits() > before;
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
