package dev.userdirectory.graphql.document;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.userdirectory.Client;
import dev.userdirectory.DirectoryTest;
import dev.userdirectory.Tokens;
import dev.userdirectory.subscription.SocketClient;
import java.net.URLEncoder;
import java.net.http.HttpRequest;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.test.context.TestPropertySource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Automatic persisted queries as Apollo's clients use them: first the hash, then the document if it is unknown. */
@DirectoryTest
@TestPropertySource(properties = "directory.limits.persisted-queries=100KB")
class PersistedQueriesTest {
    @Autowired
    Client client;

    @Test
    void executesRegisteredDocumentByItsHash() {
        String document = newDocument();

        JsonNode unknown = send(Map.of("extensions", extension(document)));
        assertThat(code(unknown)).isEqualTo("PERSISTED_QUERY_NOT_FOUND");
        // Apollo Client checks the message as well, in case the code is lost on the way.
        assertThat(unknown.at("/errors/0/message").asString()).isEqualTo("PersistedQueryNotFound");

        assertThat(data(send(Map.of("query", document, "extensions", extension(document)))))
                .isEqualTo("Query");
        assertThat(data(send(Map.of("extensions", extension(document))))).isEqualTo("Query");
    }

    @Test
    void appliesVariablesAndOperationNameToRegisteredDocument() {
        String document =
                "query A($no: Boolean!) { a: __typename @skip(if: $no) b: __typename } query B { c: __typename } #"
                        + UUID.randomUUID();
        Map<String, Object> request = new HashMap<>(Map.of("extensions", extension(document)));
        request.put("operationName", "A");
        request.put("variables", Map.of("no", true));
        request.put("query", document);
        send(request);
        request.remove("query");

        assertThat(send(request).get("data").propertyNames()).containsExactly("b");
    }

    @ParameterizedTest
    @ValueSource(strings = {"id", "documentId"})
    void acceptsHashInRelaysMembers(String name) {
        String document = newDocument();
        send(Map.of("query", document, "extensions", extension(document)));

        assertThat(data(send(Map.of(name, TrustedDocumentsTest.sha256(document)))))
                .isEqualTo("Query");
        assertThat(data(send(Map.of(name, "sha256:" + TrustedDocumentsTest.sha256(document)))))
                .isEqualTo("Query");
        assertThat(code(send(Map.of(name, TrustedDocumentsTest.sha256(newDocument())))))
                .isEqualTo("PERSISTED_QUERY_NOT_FOUND");
    }

    /** An empty operation name counts as none, and so does an empty document ID. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"id\": \"\"}",
                "{\"documentId\": \"\"}",
                "{\"id\": null, \"documentId\": \"\"}",
                "{\"extensions\": {\"persistedQuery\": null}}"
            })
    void treatsEmptyIdAsAbsent(String members) {
        Map<String, Object> body = new HashMap<>();
        JsonMapper.shared()
                .readTree(members)
                .properties()
                .forEach(member -> body.put(member.getKey(), member.getValue()));
        assertThat(client.post(body).statusCode()).isEqualTo(400);

        body.put("query", "");
        assertThat(code(send(body))).isEqualTo("GRAPHQL_PARSE_FAILED");
        try (SocketClient socket = SocketClient.connect(client.uri("/graphql"), Tokens.withScopes("users:read"))) {
            socket.send(Map.of("type", "subscribe", "id", "1", "payload", body));
            assertThat(socket.expect("error").at("/payload/0/extensions/code").asString())
                    .isEqualTo("GRAPHQL_PARSE_FAILED");
        }

        body.put("query", newDocument());
        assertThat(data(send(body))).isEqualTo("Query");
    }

    @Test
    void acceptsHashByGet() {
        String document = newDocument();
        send(Map.of("query", document, "extensions", extension(document)));
        String extensions = JsonMapper.shared().writeValueAsString(extension(document));

        for (String query : List.of(
                "extensions=" + URLEncoder.encode(extensions, StandardCharsets.UTF_8),
                "documentId=sha256:" + TrustedDocumentsTest.sha256(document))) {
            HttpRequest get = HttpRequest.newBuilder(client.uri("/graphql?" + query))
                    .header("Accept", "application/json")
                    .build();
            assertThat(data(JsonMapper.shared().readTree(client.send(get).body())))
                    .isEqualTo("Query");
        }
    }

    @Test
    void rejectsHashOfAnotherDocument() {
        String known = newDocument();
        send(Map.of("query", known, "extensions", extension(known)));
        String other = "mutation { deleteUser(id: \"\") { deletedUserId } }";

        JsonNode refused = send(Map.of("query", other, "extensions", extension(known)));
        assertThat(code(refused)).isEqualTo("PERSISTED_QUERY_HASH_MISMATCH");
        assertThat(data(send(Map.of("extensions", extension(known))))).isEqualTo("Query");
    }

    @Test
    void keepsNoInvalidDocument() {
        for (String document : List.of("{ nothing } #" + UUID.randomUUID(), "{ #" + UUID.randomUUID())) {
            send(Map.of("query", document, "extensions", extension(document)));
            assertThat(code(send(Map.of("extensions", extension(document))))).isEqualTo("PERSISTED_QUERY_NOT_FOUND");
        }
    }

    @Test
    void keepsNoDocumentOfACallerWhoIsDenied() {
        for (Client denied : List.of(client.anonymous(), client.as("other"))) {
            String document = "{ users(first: 1) { nodes { id } } } #" + UUID.randomUUID();
            JsonNode response = JsonMapper.shared()
                    .readTree(denied.post(Map.of("query", document, "extensions", extension(document)))
                            .body());
            assertThat(response.has("data")).isTrue();
            assertThat(code(send(Map.of("extensions", extension(document))))).isEqualTo("PERSISTED_QUERY_NOT_FOUND");
        }
    }

    /** Otherwise any anonymous client could evict the documents of all other clients. */
    @Test
    void keepsNoDocumentOfACallerWithoutAToken() {
        String document = newDocument();
        client.anonymous().post(Map.of("query", document, "extensions", extension(document)));
        assertThat(code(send(Map.of("extensions", extension(document))))).isEqualTo("PERSISTED_QUERY_NOT_FOUND");
    }

    @Test
    void evictsDocumentsBeyondTheLimit() {
        String filling = "#" + "x".repeat(20_000);
        List<String> documents =
                IntStream.range(0, 20).mapToObj(i -> newDocument() + filling).toList();
        documents.forEach(document -> send(Map.of("query", document, "extensions", extension(document))));

        // Each has 40 KB; Caffeine evicts a moment later.
        await().untilAsserted(() -> assertThat(documents)
                .filteredOn(document ->
                        send(Map.of("extensions", extension(document))).has("data"))
                .hasSizeBetween(1, 2));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "1",
                "[]",
                "{}",
                "{\"version\": 2, \"sha256Hash\": \"a\"}",
                "{\"version\": 1}",
                "{\"version\": 1, \"sha256Hash\": 5}"
            })
    void rejectsMalformedExtension(String extension) {
        JsonNode response = send(Map.of(
                "query",
                "{ __typename }",
                "extensions",
                Map.of("persistedQuery", JsonMapper.shared().readTree(extension))));

        assertThat(code(response)).isEqualTo("BAD_REQUEST");
        assertThat(response.toString()).doesNotContain("Exception", "java");
    }

    private static String newDocument() {
        return "{ name: __typename } #" + UUID.randomUUID();
    }

    private static Map<String, ?> extension(String document) {
        return Map.of("persistedQuery", Map.of("version", 1, "sha256Hash", TrustedDocumentsTest.sha256(document)));
    }

    private static String code(JsonNode response) {
        return response.at("/errors/0/extensions/code").asString();
    }

    private static String data(JsonNode response) {
        return response.at("/data/name").asString();
    }

    private JsonNode send(Map<String, ?> body) {
        return JsonMapper.shared().readTree(client.post(body).body());
    }
}
