package dev.userdirectory.platform;

import static org.assertj.core.api.Assertions.assertThat;

import dev.userdirectory.Client;
import dev.userdirectory.DirectoryTest;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.beans.factory.annotation.Autowired;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

@DirectoryTest
class ErrorCodesTest {
    /** As JSON; as GraphQL they only lack the quotes around the names of fields. */
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
            """)
    void errorsCarryTheirCode(String document, String code) {
        JsonNode error = client.error(document, Map.of());

        assertThat(error.at("/extensions/code").asString()).isEqualTo(code);
        assertThat(error.at("/extensions/errorType").asString()).isEqualTo("BAD_REQUEST");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '\0', textBlock = """
            { users(orderBy: { field: AGE }) { totalCount } } | 'AGE'
            { user(id: "x                                     | token recognition error at: '"x'
            """)
    void namesWhatWasGivenButNoClassOfOurs(String document, String given) {
        assertThat(client.error(document, Map.of()).get("message").asString())
                .contains(given)
                .doesNotContainPattern(JAVAS);
    }

    /** Whatever is given for any argument, as a literal and as a variable, is refused in words of GraphQL. */
    @Test
    void speaksOfNothingThatIsJavas() {
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
