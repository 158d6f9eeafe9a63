package dev.userdirectory.http;

import static org.assertj.core.api.Assertions.assertThat;

import dev.userdirectory.Client;
import dev.userdirectory.Directory;
import dev.userdirectory.DirectoryTest;
import dev.userdirectory.graphql.document.Sha256;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.springframework.beans.factory.annotation.Autowired;
import tools.jackson.databind.json.JsonMapper;

/** The fast path for JSON and Spring's path give the same responses to the same requests. */
@DirectoryTest
class ResponseWriterTest {
    private static final List<String> ACCEPTS = List.of(
            "application/json",
            "application/graphql-response+json",
            "application/graphql-response+json;q=0.5, application/json;q=0.4",
            "*/*");

    private static final String PAGE = "{ users(first: 2) { nodes { id name } pageInfo { endCursor } } }";

    @Autowired
    Client client;

    @Autowired
    Directory directory;

    @BeforeEach
    void createUsers() {
        directory.createUsers(3);
    }

    static Stream<Arguments> requests() {
        Map<String, Object> persisted = Map.of("persistedQuery", Map.of("version", 1, "sha256Hash", Sha256.hex(PAGE)));
        Map<String, Object> unknown = Map.of("persistedQuery", Map.of("version", 1, "sha256Hash", "0".repeat(64)));
        List<Map<String, ?>> bodies = List.of(
                Map.of("query", "{ __typename }"),
                Map.of("query", PAGE),
                Map.of("query", PAGE, "extensions", persisted),
                Map.of("extensions", persisted),
                Map.of("extensions", unknown),
                Map.of("extensions", Map.of("persistedQuery", 1)),
                Map.of("query", "query A { a: __typename } query B { b: __typename }", "operationName", "B"),
                Map.of("query", "query A { a: __typename } query B { b: __typename }"),
                Map.of(
                        "query",
                        "query ($first: Int) { users(first: $first) { nodes { id } } }",
                        "variables",
                        Map.of("first", 1)),
                Map.of(
                        "query",
                        "query ($first: Int) { users(first: $first) { nodes { id } } }",
                        "variables",
                        Map.of("first", "x")),
                Map.of("query", "{ user(id: \"none\") { id } users(first: 1) { totalCount } }"),
                Map.of("query", "{ users(first: 1000000) { nodes { id } } }"),
                Map.of("query", "{ nothing }"),
                Map.of("query", "{"),
                Map.of("query", ""),
                Map.of("query", "subscription { userEvents { type } }"),
                Map.of("query", "mutation { createUser(name: \"\", email: \"\") { user { id } } }"),
                Map.of("variables", Map.of()),
                Map.of("query", 1));
        return ACCEPTS.stream()
                .flatMap(accept -> Stream.of(true, false)
                        .flatMap(token -> bodies.stream().map(body -> Arguments.of(accept, token, body))));
    }

    @ParameterizedTest
    @MethodSource("requests")
    void bothPathsGiveTheSameResponse(String accept, boolean token, Map<String, ?> body) {
        // After these requests, both paths find the same entries in the caches.
        send("application/json", accept, token, body);
        send("application/json", accept, token, body);
        HttpResponse<String> fast = send("application/json", accept, token, body);
        HttpResponse<String> ofSpring = send("application/json; path=spring", accept, token, body);

        assertThat(ofSpring.statusCode()).isEqualTo(fast.statusCode());
        assertThat(ofSpring.body()).isEqualTo(fast.body());
        assertThat(headers(ofSpring)).isEqualTo(headers(fast));
    }

    private HttpResponse<String> send(String contentType, String accept, boolean token, Map<String, ?> body) {
        return (token ? client : client.anonymous())
                .send(HttpRequest.newBuilder(client.uri("/graphql"))
                        .header("Content-Type", contentType)
                        .header("Accept", accept)
                        .POST(BodyPublishers.ofString(JsonMapper.shared().writeValueAsString(body)))
                        .build());
    }

    /** Masks max-age, which depends on the time. */
    private static Map<String, Object> headers(HttpResponse<?> response) {
        Map<String, Object> headers = new TreeMap<>(response.headers().map());
        headers.keySet().removeAll(Set.of("date", "transfer-encoding", "content-length"));
        headers.computeIfPresent(
                "cache-control", (name, values) -> values.toString().replaceAll("\\d+", "…"));
        return headers;
    }
}
