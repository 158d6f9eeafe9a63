package dev.userdirectory.graphql.operation;

import static org.assertj.core.api.Assertions.assertThat;

import dev.userdirectory.Client;
import dev.userdirectory.DirectoryTest;
import dev.userdirectory.graphql.federation.SubgraphSchema;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.beans.factory.annotation.Autowired;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

@DirectoryTest
class ErrorCodesTest {
    /** Values as JSON. In GraphQL, they only lack the quotes around the names of fields. */
    private static final List<String> VALUES = List.of(
            "null",
            "true",
            "-1",
            "99999999999999999999",
            "1.5",
            "\"\\u0000\"",
            "[]",
            "[[1.5]]",
            "[null]",
            "{}",
            "{\"__typename\": \"User\", \"id\": 5}",
            "{\"field\": \"NAME\"}",
            "{\"field\": []}");

    private static final Pattern JAVAS = Pattern.compile(
            "(?i)\\b(java|graphql|org|com|dev)\\.\\w|exception|\\w(value|map|list|integer|decimal)\\b|\\b(AST|ANTLR)\\b");

    @Autowired
    Client client;

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            { user(                                           | GRAPHQL_PARSE_FAILED
            { nothing }                                       | GRAPHQL_VALIDATION_FAILED
            { users(first: "1") { totalCount } }              | GRAPHQL_VALIDATION_FAILED
            query ($id: ID!) { user(id: $id) { name } }       | BAD_USER_INPUT
            { user(id: "x") { name } }                        | BAD_USER_INPUT
            { directoryEvents(since: "+294277-01-01T00:00:00Z") { __typename } } | GRAPHQL_VALIDATION_FAILED
            """)
    void errorsCarryTheirCode(String document, String code) {
        JsonNode error = client.error(document, Map.of());

        assertThat(error.at("/extensions/code").asString()).isEqualTo(code);
        assertThat(error.at("/extensions/errorType").asString()).isEqualTo("BAD_REQUEST");
    }

    /** GraphQL 7.1.6: a path leads to a place in the data, and these responses have no data. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "{ nothing }",
                "{ a: nothing }",
                "{ users { nodes } }",
                "{ users(first: \"1\") { totalCount } }",
                "query ($s: Int) { __typename }",
                "type A { b: Int }",
                "query ($id: ID!) { user(id: $id) { name } }",
                "{"
            })
    void requestErrorsHaveNoPath(String document) {
        JsonNode response = client.execute(document, Map.of());

        assertThat(response.has("data")).isFalse();
        assertThat(response.at("/errors/0/message").isString()).isTrue();
        assertThat(response.at("/errors/0").has("path")).isFalse();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '\0', textBlock = """
            { users(orderBy: { field: AGE }) { totalCount } } | orderBy: { field: AGE }
            { user(id: "x                                     | at `"x`
            """)
    void quotesTheGivenValueButNamesNoJavaClass(String document, String given) {
        assertThat(client.error(document, Map.of()).get("message").asString())
                .contains(given)
                .doesNotContainPattern(JAVAS);
    }

    /** Any wrong value for any argument, as a literal or as a variable, is rejected in terms of GraphQL. */
    @Test
    void messagesContainNoJavaTerms() {
        JsonNode types = client.data("""
                { __schema { types { name fields { name args { name defaultValue type { ...Type } } } } } }
                fragment Type on __Type { kind name ofType { kind name ofType { kind name ofType { kind name } } } }
                """).at("/__schema/types");
        List<String> messages = new ArrayList<>();
        for (JsonNode root : types) {
            String operation = root.get("name").asString().toLowerCase(Locale.ROOT);
            if (!operation.equals("query") && !operation.equals("mutation")) {
                continue;
            }
            for (JsonNode field : root.get("fields")) {
                for (JsonNode argument : field.get("args")) {
                    String call = operation + "%s { " + field.get("name").asString() + "("
                            + argument.get("name").asString() + ": %s" + othersNeeded(field, argument)
                            + ") { __typename } }";
                    String parameter = " ($value: " + type(argument.get("type")) + ")";
                    for (String value : VALUES) {
                        JsonNode variables = JsonMapper.shared().readTree("{\"value\": " + value + "}");
                        messages.addAll(messages(call.formatted("", value.replaceAll("\"(\\w+)\":", "$1:")), Map.of()));
                        messages.addAll(messages(call.formatted(parameter, "$value"), variables));
                    }
                }
            }
        }

        assertThat(messages).hasSizeGreaterThan(500).noneMatch(JAVAS.asPredicate());
    }

    /** Inputs on which a regular expression would backtrack, as a variable, a literal and a name. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                " with value '",
                "'",
                "' is ",
                "Bad default value '' must ",
                "eyJ.",
                "bearer ",
                "EnumValue{name='"
            })
    void rejectsLongInputQuickly(String text) {
        String value = text.repeat(90_000 / text.length());
        String name = "a" + value.replaceAll("\\W", "_");
        assertSoon(
                () -> client.error(
                        "query ($f: UserOrderField!) { users(orderBy: {field: $f}) { nodes { id } } }",
                        Map.of("f", value)),
                "BAD_USER_INPUT");
        assertSoon(
                () -> client.error(
                        "query ($f: UserFilter) { users(filter: $f) { nodes { id } } }",
                        Map.of("f", Map.of(value.substring(0, 40), 1))),
                "BAD_USER_INPUT");
        assertSoon(
                () -> client.error("{ users(first: \"" + value + "\") { nodes { id } } }", Map.of()),
                "GRAPHQL_VALIDATION_FAILED");
        assertSoon(
                () -> client.error(
                        "query ($f: Int = \"" + value + "\") { users(first: $f) { nodes { id } } }", Map.of()),
                "GRAPHQL_VALIDATION_FAILED");
        assertSoon(() -> client.error("{ " + name + " }", Map.of()), "GRAPHQL_VALIDATION_FAILED");
        assertSoon(() -> client.error("{ \"" + value + "\" }", Map.of()), "GRAPHQL_PARSE_FAILED");
    }

    /** At least one attempt takes under a second: other processes on this machine take time as well. */
    private static void assertSoon(Supplier<JsonNode> request, String code) {
        Duration time = Duration.ofSeconds(1);
        for (int attempt = 0; attempt < 10 && time.toMillis() >= 1000; attempt++) {
            long started = System.nanoTime();
            JsonNode error = request.get();
            time = Duration.ofNanos(System.nanoTime() - started);
            assertThat(error.at("/extensions/code").asString()).isEqualTo(code);
            assertThat(error.get("message").asString()).hasSizeLessThan(300);
        }
        assertThat(time).isLessThan(Duration.ofSeconds(1));
    }

    @Test
    void echoesNoUnpairedSurrogate() {
        for (String document : List.of(
                "{ user(id: \"\ud83d\") }", "{ \udc00 }", "{ users(orderBy: {field: \"\ud800\"}) { totalCount } }")) {
            assertThat(client.error(document, Map.of()).get("message").asString())
                    .doesNotContain("\ud800", "\udc00", "\ud83d");
        }
        HttpResponse<String> response =
                client.post(Map.of("query", "query A { __typename }", "operationName", "\ud800"));
        assertThat(response.body()).contains("OPERATION_RESOLUTION_FAILURE");
    }

    @Test
    void messagesAreEnglishInEveryLocale() {
        List<String> english = inEveryWay(null);
        Locale before = Locale.getDefault();
        try {
            for (Locale locale : List.of(Locale.GERMANY, Locale.forLanguageTag("nl"), Locale.forLanguageTag("ar-EG"))) {
                Locale.setDefault(locale);
                assertThat(inEveryWay(null)).as("JVM in %s", locale).isEqualTo(english);
                assertThat(inEveryWay("de-DE, nl;q=0.5"))
                        .as("JVM in %s", locale)
                        .isEqualTo(english);
            }
        } finally {
            Locale.setDefault(before);
        }
        assertThat(inEveryWay("de")).isEqualTo(english);
        assertThat(english).noneMatch(message -> message.contains("somebody@example.com"));
    }

    /** The errors of operations that each have one mistake. */
    private List<String> inEveryWay(@Nullable String language) {
        return wrongOperations().keySet().stream()
                .map(document -> {
                    HttpRequest.Builder request = HttpRequest.newBuilder(client.uri("/graphql"))
                            .header("Content-Type", "application/json")
                            .POST(BodyPublishers.ofString(JsonMapper.shared()
                                    .writeValueAsString(Map.of(
                                            "query",
                                            document,
                                            "variables",
                                            wrongOperations().get(document)))));
                    if (language != null) {
                        request.header("Accept-Language", language);
                    }
                    return client.send(request.build()).body();
                })
                .toList();
    }

    private static Map<String, Map<String, ?>> wrongOperations() {
        Map<String, Map<String, ?>> operations = new LinkedHashMap<>();
        for (String document : List.of(
                "{ nothing }",
                "{ users }",
                "{ __typename { id } }",
                "{ user { id } }",
                "{ user(id: null) { id } }",
                "{ user(id: 1, more: 2) { id } }",
                "{ user(id: 1) @more { id } }",
                "{ user(id: 1) @skip { id } }",
                "{ users(first: \"1\") { totalCount } }",
                "{ users(filter: {search: 5}) { totalCount } }",
                "{ users(filter: {sear: 5}) { totalCount } }",
                "{ users(orderBy: {}) { totalCount } }",
                "{ users(orderBy: 1) { totalCount } }",
                "{ users(orderBy: {field: AGE}) { totalCount } }",
                "mutation { createUser(name: somebody@example.com) { user { id } } }",
                "mutation { createUsers(users: [{name: \"somebody@example.com\"}]) { users { id } } }",
                "{ ...F }",
                "{ __typename } fragment F on Query { __typename }",
                "{ ...F } fragment F on Nobody { __typename }",
                "{ ...F } fragment F on User { id }",
                "{ ...F } fragment F on UserFilter { id }",
                "{ ...F } fragment F on Query { ...F }",
                "{ ... on User { id } }",
                "query A { __typename } query A { __typename }",
                "query A { __typename } { __typename }",
                "query ($a: Int, $a: Int) { users(first: $a) { totalCount } }",
                "query ($a: Int) { __typename }",
                "query ($a: Users) { __typename }",
                "query ($a: User) { users(filter: $a) { totalCount } }",
                "query ($a: String) { users(first: $a) { totalCount } }",
                "query ($a: Int = \"x\") { users(first: $a) { totalCount } }",
                "{ users(first: $a) { totalCount } }",
                "{ a: user(id: 1) { id } a: user(id: 2) { id } }",
                "{ user(id: 1) { name: id name: email } }",
                "subscription { userEvents { type } a: userEvents { type } }",
                "type User { id: ID }",
                "{ user(id: 1, id: 2) { id } }",
                "{ user(",
                "{ user(id: \"x",
                "",
                "\u0007")) {
            operations.put(document, Map.of());
        }
        operations.put("query ($a: ID!) { user(id: $a) { id } }", Map.of());
        operations.put("query ($a: Int!) { users(first: $a) { totalCount } }", Map.of("a", 5_000_000_000L));
        operations.put("query ($a: Int) { users(first: $a) { totalCount } }", Map.of("a", "somebody@example.com"));
        operations.put("query ($a: UserOrder!) { users(orderBy: $a) { totalCount } }", Map.of("a", List.of()));
        operations.put(
                "query ($b: UserOrder!) { users(orderBy: $b) { totalCount } }", Map.of("b", Map.of("field", "X")));
        operations.put("query ($c: UserOrder!) { users(orderBy: $c) { totalCount } }", Map.of("c", Map.of()));
        operations.put(
                "query ($d: UserFilter) { users(filter: $d) { totalCount } }", Map.of("d", Map.of("searchh", 1)));
        operations.put(
                "query ($e: UserFilter) { users(filter: $e) { totalCount } }", Map.of("e", "somebody@example.com"));
        return operations;
    }

    /** A caller who may not introspect learns no word of the schema that was not in the operation. */
    @Test
    void revealsNothingOfTheSchemaWithoutToken() {
        Set<String> names = Pattern.compile("\\w{2,}")
                .matcher(SubgraphSchema.sdl().replaceAll("(?s)\"\"\".*?\"\"\"|\"[^\"]*\"", ""))
                .results()
                .map(MatchResult::group)
                .filter(name -> name.matches("[a-z]+[A-Z]\\w+|[A-Z]\\w+"))
                .collect(Collectors.toSet());
        assertThat(names).contains("UserConnection", "createUser", "NewUser", "String");
        wrongOperations().forEach((document, variables) -> {
            JsonNode response = JsonMapper.shared()
                    .readTree(client.anonymous().post(document, variables).body());
            assertThat(response.path("errors").isEmpty()).as(document).isFalse();
            for (JsonNode error : response.path("errors")) {
                String message = error.path("message").asString();
                assertThat(Arrays.stream(message.split("\\W+", -1))
                                .filter(names::contains)
                                .filter(name -> !document.contains(name)
                                        && !variables.toString().contains(name)))
                        .as("%s: %s", document, message)
                        .isEmpty();
                assertThat(error.at("/extensions/code").asString())
                        .isIn(
                                "GRAPHQL_VALIDATION_FAILED",
                                "GRAPHQL_PARSE_FAILED",
                                "BAD_USER_INPUT",
                                "BAD_REQUEST",
                                "PERSISTED_QUERY_NOT_FOUND");
            }
        });
        assertThat(client.anonymous().post("{ nothing }").body()).contains("The operation is not valid at `nothing }`");
        assertThat(client.post("{ nothing }").body()).contains("Type 'Query' has no field 'nothing'");
    }

    @Test
    void reportsNoCostAndNoTraceWithoutToken() {
        HttpRequest request = HttpRequest.newBuilder(client.uri("/graphql"))
                .header("Content-Type", "application/json")
                .header("GraphQL-Cost", "report")
                .header("apollo-federation-include-trace", "ftv1")
                .POST(BodyPublishers.ofString("{\"query\": \"{ users { totalCount } }\"}"))
                .build();
        assertThat(client.send(request).body()).contains("\"cost\"", "\"ftv1\"");
        assertThat(client.anonymous().send(request).body())
                .contains("UNAUTHENTICATED")
                .doesNotContain("\"cost\"", "\"ftv1\"");
    }

    private List<String> messages(String document, Object variables) {
        HttpResponse<String> response = client.post(Map.of("query", document, "variables", variables));
        assertThat(response.statusCode()).isEqualTo(200);
        return JsonMapper.shared()
                .readTree(response.body())
                .path("errors")
                .valueStream()
                .map(error -> {
                    assertThat(error.at("/extensions/code").asString()).isNotIn("", "INTERNAL_SERVER_ERROR");
                    return error.get("message").asString();
                })
                .toList();
    }

    private static String othersNeeded(JsonNode field, JsonNode argument) {
        return field.get("args")
                .valueStream()
                .filter(other -> !other.equals(argument))
                .filter(other -> other.at("/type/kind").asString().equals("NON_NULL")
                        && other.get("defaultValue").isNull())
                .map(other -> " " + other.get("name").asString()
                        + (other.at("/type/ofType/kind").asString().equals("LIST") ? ": []" : ": \"x\""))
                .collect(Collectors.joining());
    }

    private static String type(JsonNode type) {
        return switch (type.get("kind").asString()) {
            case "NON_NULL" -> type(type.get("ofType")) + "!";
            case "LIST" -> "[" + type(type.get("ofType")) + "]";
            default -> type.get("name").asString();
        };
    }
}
