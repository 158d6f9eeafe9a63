package dev.userdirectory.graphql.scope;

import static org.assertj.core.api.Assertions.assertThat;

import dev.userdirectory.Client;
import dev.userdirectory.Directory;
import dev.userdirectory.DirectoryTest;
import dev.userdirectory.TestPostgres.Statements;
import dev.userdirectory.Tokens;
import dev.userdirectory.graphql.scope.GuardedSchema.Guarded;
import dev.userdirectory.subscription.SocketClient;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.springframework.beans.factory.annotation.Autowired;
import tools.jackson.databind.JsonNode;

/** Tests each guard that is written in the schema, including guards that are added later. */
@DirectoryTest
class ScopesTest {
    @Autowired
    Client client;

    @Autowired
    Statements statements;

    @Autowired
    Directory directory;

    static Stream<Guarded> guarded() throws IOException {
        return all().filter(guarded -> !guarded.name().equals("Query.viewer"));
    }

    /** All guards, including that of {@code viewer}, which any token may read. */
    static Stream<Guarded> all() throws IOException {
        GuardedSchema schema = new GuardedSchema();
        return Stream.of(
                        schema.rootFields("Query"),
                        schema.rootFields("Mutation"),
                        schema.rootFields("Subscription"),
                        schema.entities())
                .flatMap(each -> each);
    }

    @ParameterizedTest
    @MethodSource("all")
    void rejectsCallerWithoutToken(Guarded guarded) {
        JsonNode error = refusal(client.anonymous(), guarded);

        assertThat(error.get("message").asString()).isEqualTo("Unauthorized");
        assertThat(error.at("/extensions/code").asString()).isEqualTo("UNAUTHENTICATED");
    }

    @ParameterizedTest
    @MethodSource("guarded")
    void rejectsCallerWithOtherScopesAndNamesTheRequiredOnes(Guarded guarded) {
        JsonNode error = refusal(client.as("openid", "users"), guarded);

        assertThat(error.at("/extensions/code").asString()).isEqualTo("FORBIDDEN");
        assertThat(guarded.anyOf().stream().flatMap(Set::stream))
                .isNotEmpty()
                .allSatisfy(scope -> assertThat(error.get("message").asString()).contains("`" + scope + "`"));
    }

    static Stream<Guarded> guardedAgainstUsersSelf() throws IOException {
        return guarded().filter(guarded -> !guarded.name().equals("Mutation.updateViewer"));
    }

    @ParameterizedTest
    @MethodSource("guardedAgainstUsersSelf")
    void rejectsCallerWhoMayOnlySeeItself(Guarded guarded) {
        JsonNode error = refusal(client.as("users:self"), guarded);

        assertThat(error.at("/extensions/code").asString()).isEqualTo("FORBIDDEN");
        assertThat(error.get("message").asString()).doesNotContain("users:self");
    }

    static Stream<Guarded> guardedRequests() throws IOException {
        return guarded().filter(guarded -> !guarded.name().startsWith("Subscription."));
    }

    @ParameterizedTest
    @MethodSource("guardedRequests")
    void servesCallerWithAnyOfTheScopeSets(Guarded guarded) {
        assertThat(guarded.anyOf()).isNotEmpty().allSatisfy(scopes -> {
            JsonNode response =
                    client.as(scopes.toArray(String[]::new)).execute(guarded.document(), guarded.variables());
            assertThat(response.path("errors").findValuesAsString("code"))
                    .doesNotContain("UNAUTHENTICATED", "FORBIDDEN");
        });
    }

    /** A socket without a token is closed before it can send an operation. */
    @ParameterizedTest
    @MethodSource("guarded")
    void rejectsSocketCallerWithOtherScopes(Guarded guarded) {
        try (SocketClient socket = SocketClient.connect(client.uri("/graphql"), Tokens.withScopes("openid users"))) {
            statements.clear();
            socket.subscribe("1", guarded.document(), guarded.variables());

            JsonNode message = socket.poll(Duration.ofSeconds(20));
            String refusal = message == null ? socket.closed().toString() : message.toString();
            assertThat(refusal)
                    .contains(guarded.name().startsWith("Subscription.") ? "code=4403" : "\"code\":\"FORBIDDEN\"");
            assertThat(guarded.anyOf().stream().flatMap(Set::stream))
                    .allSatisfy(scope -> assertThat(refusal).contains("`" + scope + "`"));
            assertThat(statements.executed()).isEmpty();
        }
    }

    @ParameterizedTest
    @MethodSource("guarded")
    void servesSocketCallerWithAnyOfTheScopeSets(Guarded guarded) {
        assertThat(guarded.anyOf()).isNotEmpty().allSatisfy(scopes -> {
            String token = Tokens.withScopes(String.join(" ", scopes));
            try (SocketClient socket = SocketClient.connect(client.uri("/graphql"), token)) {
                socket.subscribe("1", guarded.document(), guarded.variables());
                if (guarded.name().startsWith("Subscription.")) {
                    socket.settle();
                    assertThat(socket.isClosed()).isFalse();
                } else {
                    JsonNode message = socket.poll(Duration.ofSeconds(20));
                    assertThat(String.valueOf(message))
                            .contains("\"payload\"")
                            .doesNotContain("UNAUTHENTICATED", "FORBIDDEN");
                }
            }
        });
    }

    static Stream<Guarded> fieldsOfEntities() throws IOException {
        return new GuardedSchema().fieldsOfEntities();
    }

    /** A caller with a write scope sees an object, but not the lists of other objects in it. */
    @ParameterizedTest
    @MethodSource("fieldsOfEntities")
    void servesFieldsOfAnObjectOnlyWithTheirOwnScopes(Guarded guarded) {
        String user = directory.createUser();
        String id = guarded.name().startsWith("User.") ? user : directory.createGroup("Readers", List.of(user));
        Map<String, ?> variables = Map.of(
                "representations",
                List.of(Map.of("__typename", guarded.variables().get("__typename"), "id", id)));

        statements.clear();
        JsonNode response = client.as("users:write").execute(guarded.document(), variables);
        assertThat(response.at("/data/_entities/0").isNull()).isTrue();
        assertThat(response.get("errors")).hasSize(1);
        JsonNode error = response.at("/errors/0");
        assertThat(error.at("/extensions/code").asString()).isEqualTo("FORBIDDEN");
        assertThat(error.at("/extensions/requiredScopes")).hasToString("[[\"users:read\"]]");
        assertThat("/" + error.get("path").valueStream().map(JsonNode::asString).collect(Collectors.joining("/")))
                .isEqualTo(guarded.path());
        assertThat(statements.executed()).noneMatch(sql -> sql.contains("group_members"));

        assertThat(client.as("users:read")
                        .data(guarded.document(), variables)
                        .at(guarded.path())
                        .isObject())
                .isTrue();
    }

    @Test
    void coversEveryGuardOfTheSchema() throws IOException {
        GuardedSchema schema = new GuardedSchema();
        long types = schema.entities()
                .map(each -> each.name().replaceAll(" by .*", ""))
                .distinct()
                .count();

        // ViewerTest tests these.
        assertThat(schema.otherFields())
                .containsExactlyInAnyOrder("InputError.current", "Viewer.user", "UpdateViewerPayload.user");
        assertThat(all().filter(each -> !each.path().equals("/_entities")).count()
                        + types
                        + schema.fieldsOfEntities().count()
                        + schema.otherFields().count())
                .isEqualTo(schema.guards());
    }

    @Test
    void rejectsEachAliasAtItsOwnPath() {
        JsonNode errors = client.as("users:write")
                .execute("{ a: node(id: \"x\") { id } b: group(id: \"x\") { id } __typename }", Map.of())
                .get("errors");

        assertThat(errors).hasSize(2);
        assertThat(errors.at("/0/path").toString()).isEqualTo("[\"a\"]");
        assertThat(errors.at("/1/path").toString()).isEqualTo("[\"b\"]");
    }

    @Test
    void servesUnguardedFieldsBesideDeniedOnes() {
        JsonNode response = client.anonymous().execute("{ node(id: \"x\") { id } __typename }", Map.of());

        assertThat(response.get("data").toString()).isEqualTo("{\"node\":null,\"__typename\":\"Query\"}");
    }

    @Test
    void rejectedMutationChangesNothing() {
        String create = "mutation { createUser(name: \"Eve\", email: \"eve@example.com\") { user { id } } }";
        client.anonymous().execute(create, Map.of());
        client.as("users:read").execute(create, Map.of());

        assertThat(client.data("{ userByEmail(email: \"eve@example.com\") { id } }")
                        .get("userByEmail")
                        .isNull())
                .isTrue();
    }

    @Test
    void showsCallerWithWriteScopeTheCreatedUser() {
        assertThat(client.as("users:write")
                        .data("mutation { createUser(name: \"Walt\", email: \"walt@example.com\") { user { name } } }")
                        .at("/createUser/user/name")
                        .asString())
                .isEqualTo("Walt");
    }

    /** Expects a single error at the requested path, no data, and no SQL. */
    private JsonNode refusal(Client caller, Guarded guarded) {
        statements.clear();
        JsonNode response = caller.execute(guarded.document(), guarded.variables());
        assertThat(statements.executed()).isEmpty();
        assertThat(response.path("data").path(guarded.path().substring(1)).size())
                .isZero();
        assertThat(response.get("errors")).hasSize(1);
        assertThat(response.at("/errors/0/path/0").asString())
                .isEqualTo(guarded.path().substring(1));
        return response.at("/errors/0");
    }
}
