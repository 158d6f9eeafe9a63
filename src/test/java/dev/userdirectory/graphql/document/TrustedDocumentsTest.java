package dev.userdirectory.graphql.document;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.userdirectory.Client;
import dev.userdirectory.DirectoryTest;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.core.io.FileSystemResource;
import org.springframework.test.context.DynamicPropertyRegistry;
import org.springframework.test.context.DynamicPropertySource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** With a folder of trusted documents, no caller can run any other document. */
@DirectoryTest
class TrustedDocumentsTest {
    private static final String USERS =
            "query Users($first: Int!) {\n  users(first: $first) { nodes { __typename } }\n}";
    private static final String NAME = "{ name: __typename }\n";
    private static final String OF_RELAY = "query OfRelay { relay: __typename }";
    private static final String OF_APOLLO = "query OfApollo { apollo: __typename }";

    @TempDir
    static Path folder;

    @DynamicPropertySource
    static void trust(DynamicPropertyRegistry registry) throws IOException {
        Files.writeString(folder.resolve("users.graphql"), USERS + "\n");
        Files.createDirectories(folder.resolve("more"));
        Files.writeString(folder.resolve("more/name.graphql"), NAME);
        Files.writeString(
                folder.resolve("operations.json"),
                JsonMapper.shared().writeValueAsString(Map.of("0123456789ABCDEF0123456789abcdef", OF_RELAY)));
        Files.writeString(
                folder.resolve("persisted-query-manifest.json"),
                JsonMapper.shared()
                        .writeValueAsString(Map.of(
                                "format",
                                "apollo-persisted-query-manifest",
                                "version",
                                1,
                                "operations",
                                List.of(Map.of(
                                        "id",
                                        sha256(OF_APOLLO),
                                        "name",
                                        "OfApollo",
                                        "type",
                                        "query",
                                        "body",
                                        OF_APOLLO)))));
        registry.add("directory.limits.trusted-documents", () -> folder.toUri().toString());
    }

    @Autowired
    Client client;

    @Test
    void runsATrustedDocumentAsApolloAndRelaySendIt() {
        String hash = sha256(USERS);
        Map<String, ?> variables = Map.of("first", 0);

        for (Map<String, ?> request : List.<Map<String, ?>>of(
                Map.of(
                        "extensions",
                        Map.of("persistedQuery", Map.of("version", 1, "sha256Hash", hash)),
                        "variables",
                        variables),
                Map.of("id", hash, "variables", variables),
                Map.of("documentId", "sha256:" + hash, "variables", variables),
                Map.of("query", USERS, "variables", variables))) {
            JsonNode response = send(request);
            assertThat(response.has("errors")).isFalse();
            assertThat(response.at("/data/users/nodes").isArray()).isTrue();
        }
    }

    @Test
    void acceptsHashWithOrWithoutTheFinalLineBreak() {
        assertThat(send(Map.of("id", sha256(NAME))).at("/data/name").asString()).isEqualTo("Query");
        assertThat(send(Map.of("id", sha256(NAME.strip()))).at("/data/name").asString())
                .isEqualTo("Query");
    }

    @Test
    void runsDocumentsOfRelaysAndApollosManifests() {
        // Relay's compiler hashes by MD5 unless told otherwise.
        assertThat(send(Map.of("doc_id", "x", "id", "0123456789abcdef0123456789abcdef"))
                        .at("/data/relay")
                        .asString())
                .isEqualTo("Query");
        assertThat(send(Map.of("query", OF_RELAY)).at("/data/relay").asString()).isEqualTo("Query");
        assertThat(send(Map.of(
                                "extensions",
                                Map.of("persistedQuery", Map.of("version", 1, "sha256Hash", sha256(OF_APOLLO)))))
                        .at("/data/apollo")
                        .asString())
                .isEqualTo("Query");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "[]",
                "{\"id\": 1}",
                "{\"format\": \"apollo-persisted-query-manifest\", \"operations\": [{}]}",
                "{"
            })
    void namesInvalidManifestFile(String content, @TempDir Path other) throws IOException {
        Files.writeString(other.resolve("manifest.json"), content);

        assertThatThrownBy(() -> TrustedDocuments.read(new FileSystemResource(other)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("manifest.json");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{ __typename }",
                "{ __schema { types { name } } }",
                "{ _service { sdl } }",
                "mutation { createUser(name: \"Mallory\", email: \"untrusted@example.com\") { user { id } } }"
            })
    void rejectsEveryOtherDocument(String document) {
        assertThat(code(send(Map.of("query", document)))).isEqualTo("PERSISTED_QUERY_ID_REQUIRED");
        Map<String, ?> extensions = Map.of("persistedQuery", Map.of("version", 1, "sha256Hash", sha256(document)));
        for (int i = 0; i < 2; i++) {
            assertThat(code(send(Map.of("query", document, "extensions", extensions))))
                    .isEqualTo("PERSISTED_QUERY_NOT_IN_LIST");
        }
        assertThat(code(send(Map.of("extensions", extensions)))).isEqualTo("PERSISTED_QUERY_NOT_IN_LIST");
        assertThat(code(send(Map.of("id", sha256(document))))).isEqualTo("PERSISTED_QUERY_NOT_IN_LIST");
    }

    @Test
    void rejectsAnotherDocumentUnderATrustedHash() {
        assertThat(code(send(Map.of("query", "{ __typename }", "id", sha256(NAME)))))
                .isEqualTo("PERSISTED_QUERY_HASH_MISMATCH");
    }

    private static String code(JsonNode response) {
        assertThat(response.has("data")).isFalse();
        return response.at("/errors/0/extensions/code").asString();
    }

    private JsonNode send(Map<String, ?> body) {
        return JsonMapper.shared().readTree(client.post(body).body());
    }

    static String sha256(String text) {
        try {
            return HexFormat.of()
                    .formatHex(MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8)));
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError(e);
        }
    }
}
