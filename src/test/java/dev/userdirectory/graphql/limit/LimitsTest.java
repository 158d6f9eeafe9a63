package dev.userdirectory.graphql.limit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.userdirectory.Client;
import dev.userdirectory.Directory;
import dev.userdirectory.DirectoryTest;
import dev.userdirectory.SharedSettings;
import dev.userdirectory.TestPostgres.Statements;
import dev.userdirectory.Tokens;
import dev.userdirectory.subscription.SocketClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.function.IntFunction;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.beans.factory.annotation.Autowired;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Each limit at its default: requests just within it are served, and requests just above it are rejected. */
@DirectoryTest
@SharedSettings // the deadline
class LimitsTest {
    @Autowired
    Client client;

    @Autowired
    Directory directory;

    @Autowired
    Statements statements;

    private static String user = "";

    @BeforeEach
    void oneUser() {
        if (user.isEmpty()) {
            user = directory.createUser();
        }
        statements.clear();
    }

    /** @param document a document that requests exactly as much as the limit allows */
    record Limit(String code, int limit, IntFunction<String> document) {
        @Override
        public String toString() {
            return code + " " + limit;
        }
    }

    static Stream<Limit> limits() {
        return Stream.of(
                new Limit("MAX_DEPTH_LIMIT", 15, depth -> "{ %s }".formatted(nested(depth))),
                new Limit(
                        "MAX_DEPTH_LIMIT", 15, depth -> "{ ...F } fragment F on Query { %s }".formatted(nested(depth))),
                new Limit("MAX_FIELDS_LIMIT", 2000, fields -> inUser(fields - 1, i -> "name")),
                new Limit(
                        "MAX_FIELDS_LIMIT",
                        2000,
                        fields -> "{ user(id: \"USER\") { ...F ...F %s } } fragment F on User { name id }"
                                .formatted(repeat(fields - 5, i -> "name"))),
                new Limit("MAX_ROOT_FIELDS_LIMIT", 50, fields -> "{ " + repeat(fields, i -> "__typename") + " }"),
                new Limit(
                        "MAX_ROOT_FIELDS_LIMIT",
                        50,
                        fields -> "{ ...F ...F } fragment F on Query { %s }"
                                .formatted(repeat((fields + 1) / 2, i -> "__typename"))),
                new Limit("MAX_ALIASES_LIMIT", 100, aliases -> inUser(aliases, i -> "a" + i + ": name")),
                new Limit("MAX_DIRECTIVES_LIMIT", 100, n -> inUser(n, i -> "name @skip(if: false)")),
                new Limit(
                        "COST_ESTIMATED_TOO_EXPENSIVE",
                        10_000,
                        cost -> "{ users(first: %s) { nodes { groups(first: %s) { nodes { id } } } } }"
                                .formatted(cost == 10_000 ? 99 : 100, cost == 10_000 ? 99 : 98)),
                new Limit("MAX_CHARACTERS_LIMIT", 100_000, n -> "{ __typename } #" + "x".repeat(n - 16)),
                new Limit(
                        "INTROSPECTION_LIMIT_EXCEEDED",
                        20,
                        depth -> "{ __type(name: \"User\") { fields { type " + "{ ofType ".repeat(depth - 4) + "{ name"
                                + " }".repeat(depth)));
    }

    @ParameterizedTest
    @MethodSource("limits")
    void acceptsRequestJustWithinTheLimit(Limit limit) {
        assertThat(client.execute(document(limit, limit.limit), Map.of()).has("errors"))
                .isFalse();
    }

    @ParameterizedTest
    @MethodSource("limits")
    void rejectsRequestJustAboveTheLimitBeforeExecution(Limit limit) {
        JsonNode response = client.execute(document(limit, limit.limit + 1), Map.of());

        assertThat(response.at("/data").isEmpty()).isTrue();
        assertThat(response.get("errors")).hasSize(1);
        JsonNode extensions = response.at("/errors/0/extensions");
        assertThat(extensions.get("code").asString()).isEqualTo(limit.code);
        assertThat(extensions.get("limit").asInt()).isEqualTo(limit.limit);
        assertThat(extensions.get("requested").asInt()).isBetween(limit.limit + 1, limit.limit + 2);
        assertThat(response.at("/errors/0/message").asString())
                .contains(
                        "%,d".formatted(limit.limit),
                        "%,d".formatted(extensions.get("requested").asInt()));
        assertThat(statements.executed()).isEmpty();
    }

    @Test
    void acceptsTokensUpToTheLimit() {
        // mutation { addGroupMembers ( groupId : "" userIds : [ … ] ) { __typename } } and the end are 17 tokens
        IntFunction<String> document =
                tokens -> "mutation { addGroupMembers(groupId: \"\" userIds: [%s]) { __typename } }"
                        .formatted("\"\" ".repeat(tokens - 17));

        // So many IDs exceed the cost limit, which is checked later.
        assertThat(client.error(document.apply(15_000), Map.of())
                        .at("/extensions/code")
                        .asString())
                .isEqualTo("COST_ESTIMATED_TOO_EXPENSIVE");
        JsonNode refused = client.error(document.apply(15_001), Map.of());
        assertThat(refused.at("/extensions/code").asString()).isEqualTo("MAX_TOKENS_LIMIT");
        assertThat(refused.at("/extensions/limit").asInt()).isEqualTo(15_000);
    }

    @Test
    void acceptsVariablesUpToTheLimit() {
        String document = "mutation ($ids: [ID!]!) { addGroupMembers(groupId: \"\", userIds: $ids) { __typename } }";

        // So many IDs exceed the cost limit, which is checked later.
        assertThat(client.error(document, Map.of("ids", Collections.nCopies(9_999, "")))
                        .at("/extensions/code")
                        .asString())
                .isEqualTo("COST_ESTIMATED_TOO_EXPENSIVE");
        JsonNode refused = client.error(document, Map.of("ids", Collections.nCopies(10_000, "")));
        assertThat(refused.at("/extensions/code").asString()).isEqualTo("MAX_VARIABLES_LIMIT");
        assertThat(refused.at("/extensions/requested").asInt()).isEqualTo(10_001);
    }

    @Test
    void acceptsBodyUpToTheLimit() {
        String request = "{\"query\": \"{ __typename }\"}";
        int limit = 2 << 20;

        assertThat(post(request + " ".repeat(limit - request.length())).statusCode())
                .isEqualTo(200);
        HttpResponse<String> refused = post(request + " ".repeat(limit - request.length() + 1));
        assertThat(refused.statusCode()).isEqualTo(413);
        assertThat(JsonMapper.shared()
                        .readTree(refused.body())
                        .at("/errors/0/extensions/code")
                        .asString())
                .isEqualTo("MAX_BODY_LIMIT");
        assertThat(refused.body()).contains("2,097,152");
    }

    private HttpResponse<String> post(String body) {
        return client.send(HttpRequest.newBuilder(client.uri("/graphql"))
                .header("Content-Type", "application/json")
                .POST(BodyPublishers.ofString(body))
                .build());
    }

    @Test
    void acceptsOneThousandRepresentationsAndOneThousandNewUsers() {
        JsonNode entities = client.data(
                "query ($r: [_Any!]!) { _entities(representations: $r) { ... on User { id name email active createdAt } } }",
                Map.of("r", Collections.nCopies(1000, Map.of("__typename", "User", "id", user))));
        assertThat(entities.get("_entities")).hasSize(1000);

        assertThat(directory.createUsers(1000)).hasSize(1000);
    }

    @Test
    void costIncludesEachRepresentation() {
        String document =
                "query ($r: [_Any!]!) { _entities(representations: $r) { ... on User { groups { nodes { id } } } } }";
        List<Map<String, String>> users = Collections.nCopies(1000, Map.of("__typename", "User", "id", user));

        assertThat(cost(document, Map.of("r", users.subList(0, 10)))).isEqualTo(costOf(220));
        JsonNode refused = client.error(document, Map.of("r", users));
        assertThat(refused.at("/extensions/code").asString()).isEqualTo("COST_ESTIMATED_TOO_EXPENSIVE");
        assertThat(refused.at("/extensions/requested").asInt()).isEqualTo(22_000);
    }

    @Test
    void reportsTheCostOnlyOnRequest() {
        String users = "{ users(first: 7) { edges { node { id } } } }";

        assertThat(cost(users, Map.of())).isEqualTo(costOf(15));
        assertThat(cost("{ users(first: 10000) { nodes { id } } }", Map.of())).isEqualTo(costOf(10001));
        assertThat(client.execute(users, Map.of()).has("extensions")).isFalse();
    }

    /** An ordinary page is cheap; operations that keep PostgreSQL busy are not. */
    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            { users(first: 100) { nodes { groups(first: 50) { nodes { id } } } pageInfo { hasNextPage } } }       | 5202
            { users(first: 0, filter: { search: "☃" }) { totalCount } }                                           | 1052
            { users(first: 0, filter: { search: null, active: null, groupId: null }) { nodes { id } } }           | 2
            { users(filter: { search: "a", active: true, groupId: "" }, first: 20) { totalCount nodes { id } } }  | 2072
            { groups(search: "a", first: 10) { totalCount nodes { members(first: 0) { totalCount } } } }          | 1531
            { users(first: 1) { nodes { groups(first: 5) { nodes { a: members { totalCount } b: members { totalCount } } } } } } | 518
            { userByEmail(email: "a") { id } }                                                                    | 9
            { _entities(representations: [{ __typename: "User", email: "a" }]) { __typename } }                   | 9
            { directoryEvents(first: 0, since: "2026-01-01T00:00:00Z") { __typename } }                           | 501
            mutation { deleteUsers(ids: ["a", "b"]) { deletedUserIds } }                                          | 14
            mutation { addGroupMembers(groupId: "", userIds: ["a"], emails: ["a", "b"]) { group { id } } }        | 38
            mutation { removeGroupMembers(groupId: "", userIds: ["a", "b"]) { group { id } } }                    | 15
            """)
    void costReflectsTheWorkOfPostgreSql(String document, int cost) {
        assertThat(cost(document, Map.of())).isEqualTo(costOf(cost));
    }

    @Test
    void rejectsManySearchesInOneRequest() {
        String searches =
                "{ " + repeat(10, i -> "a" + i + ": users(filter: { search: \"a" + i + "\" }) { totalCount }") + " }";

        JsonNode error = client.error(searches, Map.of());

        assertThat(error.at("/extensions/code").asString()).isEqualTo("COST_ESTIMATED_TOO_EXPENSIVE");
        assertThat(statements.executed()).isEmpty();
    }

    private static final String DESCRIBED = """
            query ($r: [_Any!]!) { _entities(representations: $r) { ... on Group { %s } } }""";

    private Map<String, ?> manyDescribedGroups(int count) {
        String group = client.data(
                        "mutation ($text: String) { createGroup(name: \"Described\", description: $text) { group { id } } }",
                        Map.of("text", "\t€".repeat(1000)))
                .at("/createGroup/group/id")
                .asString();
        statements.clear();
        return Map.of("r", Collections.nCopies(count, Map.of("__typename", "Group", "id", group)));
    }

    /** A description is 5,000 bytes in JSON: a tab takes two, the sign three. */
    @Test
    void sendsAResponseThatIsJustWithinTheLimit() {
        HttpResponse<String> response =
                client.post(DESCRIBED.formatted(repeat(20, i -> "a" + i + ": description")), manyDescribedGroups(104));

        assertThat(response.body().getBytes(StandardCharsets.UTF_8).length).isBetween(10_000_000, 10 << 20);
        assertThat(response.body()).startsWith("{\"data\":");
    }

    @ParameterizedTest
    @ValueSource(ints = {130, 190})
    void sendsNoResponseAboveTheLimit(int representations) {
        String document = DESCRIBED.formatted(repeat(20, i -> "a" + i + ": description"));
        Map<String, ?> variables = manyDescribedGroups(representations);
        List<JsonNode> responses = List.of(
                client.execute(document, variables),
                client.execute(document.replace("a0: description", "a0: members { totalCount }"), variables),
                traced(document, variables));

        for (JsonNode response : responses) {
            assertThat(response.has("data")).isFalse();
            assertThat(response.get("errors")).hasSize(1);
            JsonNode extensions = response.at("/errors/0/extensions");
            assertThat(extensions.get("code").asString()).isEqualTo("MAX_RESPONSE_LIMIT");
            assertThat(extensions.get("limit").asInt()).isEqualTo(10 << 20);
            assertThat(extensions.get("requested").asInt()).isBetween(10 << 20, 11 << 20);
        }
    }

    /** The whole response would have 500 megabytes. */
    @Test
    void sendsNoResponseAboveTheLimitToACallerWhoMayOnlyWrite() {
        String document = DESCRIBED.formatted(repeat(99, i -> "a" + i + ": description"));

        JsonNode response = client.as("users:write").execute(document, manyDescribedGroups(1000));

        assertThat(response.has("data")).isFalse();
        assertThat(response.at("/errors/0/extensions/code").asString()).isEqualTo("MAX_RESPONSE_LIMIT");
        assertThat(statements.executed()).hasSize(1);
    }

    private JsonNode traced(String document, Map<String, ?> variables) {
        return JsonMapper.shared()
                .readTree(client.send(HttpRequest.newBuilder(client.uri("/graphql"))
                                .header("Content-Type", "application/json")
                                .header("apollo-federation-include-trace", "ftv1")
                                .POST(BodyPublishers.ofString(JsonMapper.shared()
                                        .writeValueAsString(Map.of("query", document, "variables", variables))))
                                .build())
                        .body());
    }

    @Test
    void responseLimitCountsFieldNames() {
        String alias = "a".repeat(90_000);
        Map<String, ?> variables = Map.of("r", Collections.nCopies(200, Map.of("__typename", "User", "id", user)));

        JsonNode error = client.error(
                "query ($r: [_Any!]!) { _entities(representations: $r) { ... on User { " + alias + ": id } } }",
                variables);

        assertThat(error.at("/extensions/code").asString()).isEqualTo("MAX_RESPONSE_LIMIT");
    }

    @Test
    void responseLimitCountsErrors() {
        String alias = "a".repeat(60_000);
        Map<String, ?> variables = Map.of("r", Collections.nCopies(100, Map.of("__typename", "User", "id", user)));

        JsonNode error = client.error(
                "query ($r: [_Any!]!) { _entities(representations: $r) { ... on User { " + alias
                        + ": groups(first: -1) { totalCount } } } }",
                variables);

        assertThat(error.at("/extensions/code").asString()).isEqualTo("MAX_RESPONSE_LIMIT");
    }

    @Test
    void responseLimitCountsMutationPayloads() {
        String name = "€".repeat(200);
        List<Map<String, String>> users = IntStream.range(0, 1000)
                .mapToObj(i -> Map.of("name", name, "email", Directory.newEmail()))
                .toList();

        JsonNode error = client.error(
                "mutation ($users: [NewUser!]!) { createUsers(users: $users) { users { "
                        + repeat(20, i -> "a" + i + ": name") + " } } }",
                Map.of("users", users));

        assertThat(error.at("/extensions/code").asString()).isEqualTo("MAX_RESPONSE_LIMIT");
        assertThat(error.get("message").asString()).endsWith("If the operation is a mutation, it took effect");
    }

    /** Each event has a budget of its own. */
    @Test
    void sendsNoEventAboveTheLimit() {
        String member = directory.createUser();
        for (int batch = 0; batch < 2; batch++) {
            List<String> groups = client.data(
                            "mutation ($text: String) { "
                                    + repeat(
                                            50,
                                            i -> "a" + i
                                                    + ": createGroup(name: \"Described\", description: $text) { group { id } }")
                                    + " }",
                            Map.of("text", "€".repeat(2000)))
                    .findValuesAsString("id");
            client.data("mutation { "
                    + repeat(
                            50,
                            i -> "a%d: addGroupMembers(groupId: \"%s\", userIds: [\"%s\"]) { errors { code } }"
                                    .formatted(i, groups.get(i), member))
                    + " }");
        }
        String document =
                "subscription { userEvents(userId: \"%s\") { type user { groups(first: 100) { nodes { %s } } } } }"
                        .formatted(member, repeat(20, i -> "a" + i + ": description"));
        try (SocketClient socket = SocketClient.connect(client.uri("/graphql"), Tokens.withScopes("users:read"))) {
            socket.subscribe("large", document, Map.of());
            socket.settle();
            client.data("mutation { updateUser(id: \"" + member + "\", active: false) { user { id } } }");

            assertThat(String.valueOf(socket.poll(Duration.ofSeconds(20))))
                    .contains("\"code\":\"MAX_RESPONSE_LIMIT\"")
                    .doesNotContain("€");
        }
    }

    private JsonNode cost(String document, Map<String, ?> variables) {
        HttpResponse<String> response = client.send(HttpRequest.newBuilder(client.uri("/graphql"))
                .header("Content-Type", "application/json")
                .header("GraphQL-Cost", "report")
                .POST(BodyPublishers.ofString(
                        JsonMapper.shared().writeValueAsString(Map.of("query", document, "variables", variables))))
                .build());
        return JsonMapper.shared().readTree(response.body()).at("/extensions/cost");
    }

    /** Each operation would be validated with the whole fragment, though only one is executed. */
    @Test
    void limitsTheFieldsOfAllOperationsTogether() {
        String fragment = " fragment F on Query { user(id: \"%s\") { %s } }".formatted(user, repeat(1_999, i -> "id"));
        Map<String, ?> within =
                Map.of("query", repeat(20, i -> "query Q" + i + " { ...F }") + fragment, "operationName", "Q0");
        assertThat(client.post(within).body()).doesNotContain("errors");

        JsonNode error = client.error(repeat(21, i -> "query Q" + i + " { ...F }") + fragment, Map.of());
        assertThat(error.at("/extensions/code").asString()).isEqualTo("MAX_FIELDS_LIMIT");
        assertThat(error.get("message").asString())
                .isEqualTo("The document's operations have 42,000 fields or more; at most 40,000 are read");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "query ($n: Int = 1e99999999999) { users(first: $n) { totalCount } }",
                "{ user(id: 1e-99999999999) { id } }",
                "{ user(id: \"\\u{FFFFFFFFFFFF}\") { id } }",
                "{ user(id: \"\\u{}\") { id } }",
                "{ user(id: \"\\u00zz\") { id } }",
            })
    void rejectsUnreadableLiteralsAsSyntaxErrors(String document) {
        assertThat(client.error(document, Map.of()).at("/extensions/code").asString())
                .isEqualTo("GRAPHQL_PARSE_FAILED");
    }

    private static JsonNode costOf(int requested) {
        return JsonMapper.shared().readTree("{\"requested\": %s, \"limit\": 10000}".formatted(requested));
    }

    private static String document(Limit limit, int size) {
        return limit.document.apply(size).replace("USER", user);
    }

    private static String nested(int depth) {
        StringBuilder field = new StringBuilder("__typename");
        for (int level = depth - 1; level > 1; level--) {
            String parent = level % 2 == 1 ? "nodes" : level % 4 == 2 ? "groups(first: 1)" : "members(first: 1)";
            field.insert(0, parent + " { ").append(" }");
        }
        return "user(id: \"USER\") { " + field + " }";
    }

    private static String inUser(int fields, IntFunction<String> field) {
        return "{ user(id: \"USER\") { " + repeat(fields, field) + " } }";
    }

    private static String repeat(int times, IntFunction<String> text) {
        return IntStream.range(0, times).mapToObj(text).collect(Collectors.joining(" "));
    }
}
