package dev.userdirectory.contract;

import static dev.userdirectory.Directory.newEmail;
import static org.assertj.core.api.Assertions.assertThat;

import dev.userdirectory.Client;
import dev.userdirectory.Directory;
import dev.userdirectory.DirectoryTest;
import dev.userdirectory.ServiceProcess;
import dev.userdirectory.TestPostgres.Statements;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.jdbc.core.JdbcTemplate;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The cost of each bulk write of 100 users, its number of statements, its required scopes, and its events. */
@DirectoryTest
class BulkWritesContractTest {
    private static final int SIZE = 100;

    @Autowired
    Client client;

    @Autowired
    Directory directory;

    @Autowired
    Statements statements;

    @Autowired
    JdbcTemplate jdbc;

    /** @param statements the number of statements of a write with a key: two are for the key, and one for the actor */
    private record Write(String field, String type, List<?> list, int cost, int statements, List<String> events) {
        String document() {
            return "mutation ($list: " + type + ", $key: String) { result: " + field + " { errors { code } } }";
        }
    }

    private Write write(String field) {
        List<String> ids = directory.createUsers(SIZE);
        List<String> emails = ids.stream()
                .map(id -> directory.user(id).get("email").asString())
                .toList();
        return switch (field) {
            case "createUsers", "createUsers EACH" ->
                new Write(
                        field.endsWith("EACH")
                                ? "createUsers(users: $list, mode: EACH, idempotencyKey: $key)"
                                : "createUsers(users: $list, idempotencyKey: $key)",
                        "[NewUser!]!",
                        IntStream.range(0, SIZE)
                                .mapToObj(i -> newUser(newEmail()))
                                .toList(),
                        221,
                        5,
                        List.of("CREATED 100"));
            case "upsertUsers" ->
                new Write(
                        "upsertUsers(users: $list, idempotencyKey: $key)",
                        "[NewUser!]!",
                        Stream.concat(
                                        emails.stream().limit(50),
                                        IntStream.range(0, 50).mapToObj(i -> newEmail()))
                                .map(BulkWritesContractTest::newUser)
                                .toList(),
                        221,
                        8,
                        List.of("CREATED 50", "UPDATED 50"));
            case "updateUsers" ->
                new Write(
                        "updateUsers(users: $list, idempotencyKey: $key)",
                        "[UserChange!]!",
                        ids.stream().map(id -> Map.of("id", id, "name", "New")).toList(),
                        221,
                        5,
                        List.of("UPDATED 100"));
            case "deleteUsers" ->
                new Write(
                        "deleteUsers(ids: $list, idempotencyKey: $key)", "[ID!]!", ids, 222, 6, List.of("DELETED 100"));
            default ->
                new Write(
                        "addGroupMembers(groupId: \"" + directory.createGroup("Team", List.of())
                                + "\", emails: $list, idempotencyKey: $key)",
                        "[String!]!",
                        emails,
                        929,
                        7,
                        List.of("MEMBER_ADDED 100"));
        };
    }

    private static Map<String, String> newUser(String email) {
        return Map.of("name", "New", "email", email);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"createUsers", "createUsers EACH", "upsertUsers", "updateUsers", "deleteUsers", "addGroupMembers"
            })
    void bulkWriteKeepsItsPromises(String field) {
        Write write = write(field);
        String subject = UUID.randomUUID().toString();
        Client caller = client.withToken(ServiceProcess.tokenOf(subject));
        Map<String, ?> variables = Map.of("list", write.list(), "key", subject);
        statements.clear();

        JsonNode denied = client.as("users:read", "users:self").error(write.document(), variables);
        assertThat(denied.at("/extensions/requiredScopes")).hasToString("[[\"users:write\"]]");
        assertThat(statements.executed()).isEmpty();

        JsonNode first = report(caller, write.document(), variables);
        assertThat(first.at("/data/result/errors")).isEmpty();
        assertThat(first.at("/extensions/cost/requested").asInt()).isEqualTo(write.cost());
        assertThat(statements.executed()).hasSize(write.statements());
        statements.clear();
        assertThat(report(caller, write.document(), variables)).isEqualTo(first);
        assertThat(statements.executed()).hasSize(3);

        assertThat(jdbc.queryForList(
                        "select type || ' ' || count(*) from user_events where actor_subject = ? group by type order by type",
                        String.class,
                        subject))
                .isEqualTo(write.events());
    }

    /** A client need not choose between the fields of the payload. */
    @Test
    void aThousandUsersMayBeCreatedWithEverythingSelected() {
        String error = "errors { path code message current { id ... on User { name email version } } }";
        JsonNode response = report(
                client,
                "mutation ($list: [NewUser!]!, $key: String) { result: createUsers(users: $list, idempotencyKey: $key) {"
                        + " users { id name email } " + error + " results { user { id } " + error + " } } }",
                Map.of(
                        "list",
                        IntStream.range(0, 1000)
                                .mapToObj(i -> newUser(newEmail()))
                                .toList(),
                        "key",
                        newEmail()));

        assertThat(response.at("/extensions/cost/requested").asInt()).isEqualTo(8021);
        assertThat(response.at("/data/result/results")).hasSize(1000);
    }

    private static JsonNode report(Client caller, String document, Map<String, ?> variables) {
        JsonMapper json = JsonMapper.shared();
        HttpResponse<String> response = caller.send(HttpRequest.newBuilder(caller.uri("/graphql"))
                .header("Content-Type", "application/json")
                .header("GraphQL-Cost", "report")
                .POST(BodyPublishers.ofString(
                        json.writeValueAsString(Map.of("query", document, "variables", variables))))
                .build());
        return json.readTree(response.body());
    }
}
