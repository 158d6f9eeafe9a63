package dev.userdirectory.graphql.limit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.userdirectory.Client;
import dev.userdirectory.DirectoryTest;
import dev.userdirectory.Tokens;
import dev.userdirectory.subscription.SocketClient;
import java.net.URLEncoder;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.beans.factory.annotation.Autowired;
import tools.jackson.core.TokenStreamFactory;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The limits of the JSON that carries an operation, on every transport. */
@DirectoryTest
class RequestBodyTest {
    /** Accept headers for each reader of bodies: the filters, Spring's handler and event streams. */
    private static final String WAYS_IN = "application/json,application/graphql-response+json,text/event-stream";

    @Autowired
    Client client;

    @Autowired
    JsonMapper json;

    @ParameterizedTest
    @CsvSource({
        "'{\"query\":\"{__typename}\",\"NAME\":0}'",
        "'{\"query\":\"{__typename}\",\"a\":[{\"NAME\":0}]}'",
        "'{\"query\":\"{__typename}\",\"variables\":{\"NAME\":0}}'",
        "'{\"query\":\"{__typename}\",\"extensions\":{\"a\":{\"NAME\":0}}}'",
    })
    void acceptsMemberNamesUpTo200Characters(String body) {
        for (String type : WAYS_IN.split(",", -1)) {
            assertThat(code(post(body.replace("NAME", "n".repeat(200)), type))).isNotEqualTo("MAX_MEMBER_NAME_LIMIT");
            JsonNode error = error(post(body.replace("NAME", "n".repeat(201)), type));
            assertThat(error.at("/extensions/code").asString()).isEqualTo("MAX_MEMBER_NAME_LIMIT");
            assertThat(error.get("message").asString())
                    .isEqualTo("The name of a member has 201 characters; at most 200 are read");
        }
    }

    /** Jackson would cache the names for later requests, which would seldom have the same ones. */
    @Test
    void keepsNoMemberNames() {
        assertThat(json.tokenStreamFactory().isEnabled(TokenStreamFactory.Feature.CANONICALIZE_PROPERTY_NAMES))
                .isFalse();
    }

    @ParameterizedTest
    @ValueSource(strings = {"DIGITS", "-DIGITS", "[[{\"a\":DIGITS}]]"})
    void acceptsNumbersUpTo100Digits(String value) {
        String body = "{\"query\":\"{__typename}\",\"variables\":{\"a\":%s}}";
        for (String type : WAYS_IN.split(",", -1)) {
            assertThat(code(post(body.formatted(value.replace("DIGITS", "9".repeat(100))), type)))
                    .isNotEqualTo("MAX_DIGITS_LIMIT");
            JsonNode error = error(post(body.formatted(value.replace("DIGITS", "9".repeat(101))), type));
            assertThat(error.at("/extensions/code").asString()).isEqualTo("MAX_DIGITS_LIMIT");
            assertThat(error.at("/extensions/requested").asInt()).isEqualTo(101);
            assertThat(error.at("/extensions/limit").asInt()).isEqualTo(100);
        }
    }

    /** @param others the characters of the number besides these digits */
    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            0 | { user(id: DIGITS) { id } }
            0 | { users(first: -DIGITS) { totalCount } }
            2 | { users(first: DIGITS.5) { totalCount } }
            3 | { users(first: 1e1DIGITS) { totalCount } }
            0 | query ($n: Int = DIGITS) { users(first: $n) { totalCount } }
            """)
    void acceptsNumbersUpTo100DigitsInDocuments(int others, String document) {
        JsonNode within = client.execute(document.replace("DIGITS", "9".repeat(100 - others)), Map.of());
        assertThat(within.at("/errors/0/extensions/code").asString("")).isNotEqualTo("MAX_DIGITS_LIMIT");

        for (int digits : new int[] {101 - others, 90_000}) {
            JsonNode error = client.error(document.replace("DIGITS", "9".repeat(digits)), Map.of());
            assertThat(error.at("/extensions/code").asString()).isEqualTo("MAX_DIGITS_LIMIT");
            assertThat(error.at("/extensions/limit").asInt()).isEqualTo(100);
        }
    }

    @Test
    void acceptsUpTo10000DigitsInDocuments() {
        String document = "{ user(id: [%s]) { id } }";
        String numbers = ("9".repeat(100) + ",").repeat(100);

        assertThat(client.error(document.formatted(numbers), Map.of())
                        .at("/extensions/code")
                        .asString())
                .isEqualTo("GRAPHQL_VALIDATION_FAILED");
        JsonNode error = client.error(document.formatted(numbers + "1"), Map.of());
        assertThat(error.at("/extensions/code").asString()).isEqualTo("MAX_DIGITS_LIMIT");
        assertThat(error.get("message").asString())
                .isEqualTo("The numbers in the document have 10,001 digits or more; at most 10,000 are read");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{ __typename } # DIGITS",
                "{ __typename aDIGITS: __typename }",
                "{ users(first: 0, filter: {search: \"\\\" DIGITS\"}) { totalCount } }",
                "{ users(first: 0, filter: {search: \"\"\"\" \\\"\"\" DIGITS\"\"\"}) { totalCount } }",
            })
    void countsNoDigitsInStringsNamesAndComments(String document) {
        assertThat(client.execute(document.replace("DIGITS", "9".repeat(150)), Map.of())
                        .toString())
                .doesNotContain("errors");
    }

    @Test
    void countsNoDigitsInStringVariables() {
        String digits = "9".repeat(5_000);

        assertThat(client.execute("query ($a: ID!) { user(id: $a) { id } }", Map.of("a", digits))
                        .toString())
                .doesNotContain("MAX_DIGITS_LIMIT");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"query\":\"{__typename}\",\"variables\":{\"a\":[VALUES]}}",
                "{\"query\":\"{__typename}\",\"extensions\":{\"a\":[VALUES]}}",
                "{\"query\":\"{__typename}\",\"a\":[VALUES]}",
                "{\"a\":[VALUES],\"query\":\"{__typename}\"}",
            })
    void countsValuesInEveryMember(String body) {
        for (String type : WAYS_IN.split(",", -1)) {
            for (String value : new String[] {"0,", "[],", "{},", "null,", "\"\","}) {
                String values = value.repeat(9_998) + "0";
                assertThat(code(post(body.replace("VALUES", values), type))).isNotEqualTo("MAX_VARIABLES_LIMIT");
                JsonNode error = error(post(body.replace("VALUES", value + values), type));
                assertThat(error.at("/extensions/code").asString()).isEqualTo("MAX_VARIABLES_LIMIT");
                assertThat(error.get("message").asString())
                        .isEqualTo("The request has 10,001 values or more; at most 10,000 are read");
            }
        }
    }

    @Test
    void addsTheValuesOfAllMembersUp() {
        String halfAndMore = "0,".repeat(5_000) + "0";

        assertThat(code(post(
                        "{\"query\":\"{__typename}\",\"variables\":{\"a\":[%s]},\"b\":[%s]}"
                                .formatted(halfAndMore, halfAndMore),
                        "application/json")))
                .isEqualTo("MAX_VARIABLES_LIMIT");
    }

    @Test
    void skipsUnknownMembers() {
        HttpResponse<String> response = post(
                "{\"a\":{\"query\":\"{b}\",\"c\":[1,{\"d\":null}]},\"query\":\"{__typename}\",\"e\":[[],[{}]],\"f\":1.5}",
                "application/json");

        assertThat(response.body()).isEqualTo("{\"data\":{\"__typename\":\"Query\"}}");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"query\":\"{__typename}\"",
                "{\"query\":\"{__typename}\",\"a\":[}",
                "{\"query\":\"{__typename}\",\"a\":[1,{]}",
                "{\"query\":\"{__typename}\"}}",
                "{\"query\":\"{__typename}\"}{}",
                "{\"query\":{\"a\":1}}",
                "{\"query\":\"{__typename}\",\"variables\":[]}",
                "{\"query\":\"{__typename}\",\"extensions\":1}",
                "{\"query\":\"{__typename}\",\"operationName\":1}",
                "{\"query\":\"{__typename}\",\"variables\":{\"a\":nul}}",
                "[]",
                "null",
                "",
            })
    void rejectsMalformedBodyAsBadRequest(String body) {
        for (String type : WAYS_IN.split(",", -1)) {
            HttpResponse<String> response = post(body, type);
            assertThat(response.statusCode()).isEqualTo(400);
            if (!body.isEmpty()) {
                assertThat(code(response)).isEqualTo("BAD_REQUEST");
            }
        }
    }

    @Test
    void limitsJsonInUrls() {
        assertThat(code(get("variables", "{\"" + "n".repeat(201) + "\":0}"))).isEqualTo("MAX_MEMBER_NAME_LIMIT");
        assertThat(code(get("extensions", "{\"a\":" + "9".repeat(101) + "}"))).isEqualTo("MAX_DIGITS_LIMIT");
        assertThat(get("variables", "{\"a\":0}").statusCode()).isEqualTo(200);
        // Tomcat reads 8 kB of a request's head.
        assertThat(get("variables", "{\"a\":\"" + "x".repeat(9_000) + "\"}").statusCode())
                .isIn(400, 414, 431);
    }

    @Test
    void acceptsOnlySmallBodiesWithoutToken() {
        String request = "{\"query\":\"{ __typename }\"}";
        int limit = 64 << 10;

        assertThat(postAnonymously(request + " ".repeat(limit - request.length()))
                        .statusCode())
                .isEqualTo(200);
        HttpResponse<String> rejected = postAnonymously(request + " ".repeat(limit - request.length() + 1));
        assertThat(rejected.statusCode()).isEqualTo(413);
        assertThat(error(rejected).get("message").asString())
                .isEqualTo("The body is larger than 65,536 bytes, the most that is read without a token");
        assertThat(code(rejected)).isEqualTo("MAX_BODY_LIMIT");
    }

    @Test
    void acceptsOnlySmallMessagesBeforeSocketIsInitialized() {
        try (SocketClient socket = SocketClient.open(client.uri("/graphql"), Map.of())) {
            socket.sendText("{\"type\":\"ping\",\"payload\":{\"x\":\"" + "x".repeat(8_100) + "\"}}");
            socket.expect("pong");
            socket.sendText("{\"type\":\"ping\",\"payload\":\"" + "x".repeat(8_200));
            assertThat(socket.closed())
                    .isEqualTo(new SocketClient.Close(
                            1009, "A message has at most 8,192 characters until connection_init succeeds"));
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            {"type":"ping","payload":{"x":[VALUES]}}      | The request has 10,001 values or more; at most 10,000 are read
            {"type":"ping","payload":{"x":DIGITS}}        | A number has 101 digits; at most 100 are read
            {"type":"ping","payload":{"NAME":0}}          | The name of a member has 201 characters; at most 200 are read
            """)
    void limitsTheJsonOfSockets(String message, String reason) {
        try (SocketClient socket = SocketClient.connect(client.uri("/graphql"), Tokens.withScopes("users:read"))) {
            socket.sendText(message.replace("VALUES", "0,".repeat(9_000) + "0")
                    .replace("DIGITS", "9".repeat(100))
                    .replace("NAME", "n".repeat(200)));
            socket.expect("pong");
            socket.sendText(message.replace("VALUES", "0,".repeat(10_000) + "0")
                    .replace("DIGITS", "9".repeat(101))
                    .replace("NAME", "n".repeat(201)));
            assertThat(socket.closed()).isEqualTo(new SocketClient.Close(4400, reason));
        }
    }

    private HttpResponse<String> post(String body, String accept) {
        return client.send(HttpRequest.newBuilder(client.uri("/graphql"))
                .header("Content-Type", "application/json")
                .header("Accept", accept)
                .POST(BodyPublishers.ofString(body))
                .build());
    }

    private HttpResponse<String> postAnonymously(String body) {
        return client.anonymous()
                .send(HttpRequest.newBuilder(client.uri("/graphql"))
                        .header("Content-Type", "application/json")
                        .POST(BodyPublishers.ofString(body))
                        .build());
    }

    private HttpResponse<String> get(String parameter, String value) {
        return client.send(HttpRequest.newBuilder(client.uri("/graphql?query=%7B__typename%7D&" + parameter + "="
                        + URLEncoder.encode(value, StandardCharsets.UTF_8)))
                .build());
    }

    private static JsonNode error(HttpResponse<String> response) {
        return JsonMapper.shared().readTree(response.body()).at("/errors/0");
    }

    private static String code(HttpResponse<String> response) {
        return response.body().startsWith("{")
                ? error(response).at("/extensions/code").asString("")
                : "";
    }
}
