package dev.userdirectory.graphql.federation;

import static org.assertj.core.api.Assertions.assertThat;

import dev.userdirectory.Client;
import dev.userdirectory.DirectoryTest;
import dev.userdirectory.SharedSettings;
import dev.userdirectory.TestPostgres.Statements;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.UUID;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.beans.factory.annotation.Autowired;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

@DirectoryTest
@SharedSettings // the deadline
class EntitiesTest {
    private static final String ENTITIES = """
            query ($representations: [_Any!]!) {
              _entities(representations: $representations) {
                __typename ... on User { id name email } ... on Group { id name }
              }
            }""";

    @Autowired
    Client client;

    @Autowired
    Statements statements;

    @ParameterizedTest
    @ValueSource(ints = {1, 100, 1000})
    void readsAllIdsInOneStatement(int count) {
        List<JsonNode> users = createUsers(count);

        statements.clear();
        JsonNode entities = entities(users.stream()
                .map(user -> user("id", user.get("id").asString()))
                .toList());

        assertThat(entities).hasSize(count);
        assertThat(entities.valueStream().map(entity -> entity.get("id")))
                .containsExactlyElementsOf(
                        users.stream().map(user -> user.get("id")).toList());
        assertThat(statements.executed()).hasSize(1);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 100, 1000})
    void readsAllAddressesInOneStatement(int count) {
        List<JsonNode> users = createUsers(count);

        statements.clear();
        JsonNode entities = entities(users.stream()
                .map(user -> user("email", user.get("email").asString()))
                .toList());

        assertThat(entities.valueStream().map(entity -> entity.get("id")))
                .containsExactlyElementsOf(
                        users.stream().map(user -> user.get("id")).toList());
        assertThat(statements.executed()).hasSize(1);
    }

    @Test
    void readsEachKeyOfEachTypeInOneStatementAndKeepsTheOrder() {
        List<JsonNode> users = createUsers(40);
        List<String> groups =
                IntStream.range(0, 20).mapToObj(i -> createGroup("Group " + i)).toList();
        List<Map<String, Object>> representations = new ArrayList<>();
        List<String> ids = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            representations.add(user("email", users.get(i).get("email").asString()));
            ids.add(users.get(i).get("id").asString());
            representations.add(Map.of("__typename", "Group", "id", groups.get(i)));
            ids.add(groups.get(i));
            representations.add(user("id", users.get(20 + i).get("id").asString()));
            ids.add(users.get(20 + i).get("id").asString());
        }

        statements.clear();
        JsonNode entities = entities(representations);

        assertThat(entities.valueStream().map(entity -> entity.get("id").asString()))
                .containsExactlyElementsOf(ids);
        assertThat(statements.executed()).hasSize(3);
    }

    @Test
    void returnsNullForUnknownEntities() {
        JsonNode user = createUsers(1).getFirst();
        String group = createGroup("No user");

        JsonNode entities = entities(List.of(
                user("email", "nobody@example.com"),
                user("id", user.get("id").asString()),
                user("id", group),
                Map.of("__typename", "Group", "id", user.get("id").asString())));

        assertThat(entities.get(0).isNull()).isTrue();
        assertThat(entities.get(1)).isEqualTo(withType("User", user));
        assertThat(entities.get(2).isNull()).isTrue();
        assertThat(entities.get(3).isNull()).isTrue();
    }

    @Test
    void returnsAnEntityForEachRepeatedRepresentation() {
        String id = createUsers(1).getFirst().get("id").asString();

        JsonNode entities = entities(List.of(user("id", id), user("id", id)));

        assertThat(entities.get(0)).isEqualTo(entities.get(1));
    }

    @Test
    void findsAddressRegardlessOfCase() {
        JsonNode user = createUsers(1).getFirst();

        JsonNode entities =
                entities(List.of(user("email", user.get("email").asString().toUpperCase(Locale.ROOT))));

        assertThat(entities.get(0)).isEqualTo(withType("User", user));
    }

    @Test
    void prefersTheIdIfBothKeysAreGiven() {
        List<JsonNode> users = createUsers(2);

        JsonNode entities = entities(List.of(Map.of(
                "__typename",
                "User",
                "id",
                users.get(0).get("id").asString(),
                "email",
                users.get(1).get("email").asString())));

        assertThat(entities.get(0)).isEqualTo(withType("User", users.get(0)));
    }

    @Test
    void reportsMalformedRepresentationAtItsIndex() {
        JsonNode user = createUsers(1).getFirst();
        Map<String, Object> nullId = new HashMap<>(user("email", "x"));
        nullId.remove("email");
        nullId.put("id", null);
        List<Object> representations = Arrays.asList(
                user("id", user.get("id").asString()),
                user("id", "not an ID"),
                user("id", 5),
                nullId,
                user("email", List.of("a@example.com")),
                user("email", "\0"),
                Map.of("__typename", "User"),
                Map.of("__typename", "Group", "name", "Staff"),
                Map.of("__typename", "Query"),
                Map.of("id", user.get("id").asString()),
                Map.of("__typename", List.of("User")),
                "User",
                List.of(),
                user("email", user.get("email").asString()));

        JsonNode response = client.execute(ENTITIES, Map.of("representations", representations));

        JsonNode entities = response.at("/data/_entities");
        assertThat(entities.get(0)).isEqualTo(withType("User", user));
        assertThat(entities.get(13)).isEqualTo(withType("User", user));
        assertThat(entities.valueStream().filter(JsonNode::isNull)).hasSize(12);
        assertThat(response.get("errors")
                        .valueStream()
                        .map(error -> error.at("/extensions/code").asString()
                                + " " + error.get("path") + " "
                                + error.at("/extensions/argument").asString()))
                .containsExactly(
                        "BAD_USER_INPUT [\"_entities\",1] representations.1.id",
                        "BAD_USER_INPUT [\"_entities\",2] representations.2.id",
                        "BAD_USER_INPUT [\"_entities\",3] representations.3.id",
                        "BAD_USER_INPUT [\"_entities\",4] representations.4.email",
                        "BAD_USER_INPUT [\"_entities\",5] representations.5.email",
                        "BAD_USER_INPUT [\"_entities\",6] representations.6.id",
                        "BAD_USER_INPUT [\"_entities\",7] representations.7.id",
                        "BAD_USER_INPUT [\"_entities\",8] representations.8.__typename",
                        "BAD_USER_INPUT [\"_entities\",9] representations.9.__typename",
                        "BAD_USER_INPUT [\"_entities\",10] representations.10.__typename",
                        "BAD_USER_INPUT [\"_entities\",11] representations.11.__typename",
                        "BAD_USER_INPUT [\"_entities\",12] representations.12.__typename");
    }

    @Test
    void reportsRepeatedMalformedRepresentationAtEachIndex() {
        Map<String, Object> malformed = user("id", "not an ID");
        Map<String, Object> unknown = user("email", "nobody@example.com");

        JsonNode response = client.execute(
                ENTITIES, Map.of("representations", List.of(malformed, unknown, malformed, unknown, malformed)));

        assertThat(response.at("/data/_entities").valueStream()).hasSize(5).allMatch(JsonNode::isNull);
        assertThat(response.get("errors")
                        .valueStream()
                        .map(error -> error.get("path") + " "
                                + error.at("/extensions/argument").asString()))
                .containsExactly(
                        "[\"_entities\",0] representations.0.id",
                        "[\"_entities\",2] representations.2.id",
                        "[\"_entities\",4] representations.4.id");
    }

    @Test
    void acceptsRepresentationsAsLiterals() {
        JsonNode user = createUsers(1).getFirst();

        JsonNode response = client.execute("""
                query ($id: ID) {
                  _entities(representations: [
                    { __typename: "User", id: $id, name: null }
                    { __typename: "User", id: null }
                  ]) { ... on User { id } }
                }""", Map.of("id", user.get("id").asString()));

        assertThat(response.at("/data/_entities/0/id")).isEqualTo(user.get("id"));
        assertThat(response.at("/errors/0/path")).hasToString("[\"_entities\",1]");
    }

    @Test
    void answersNoRepresentationsWithNoEntities() {
        statements.clear();

        assertThat(entities(List.of())).isEmpty();
        assertThat(statements.executed()).isEmpty();
    }

    @Test
    void rejectsMoreThanOneThousandRepresentations() {
        JsonNode error = client.error(
                ENTITIES, Map.of("representations", Collections.nCopies(1001, user("email", "a@example.com"))));

        assertThat(error.get("message").asString())
                .isEqualTo("Argument `representations` has at most 1,000 representations, not 1,001.");
        assertThat(error.at("/extensions/code").asString()).isEqualTo("BAD_USER_INPUT");
    }

    private JsonNode entities(List<?> representations) {
        return client.data(ENTITIES, Map.of("representations", representations)).get("_entities");
    }

    private List<JsonNode> createUsers(int count) {
        String batch = UUID.randomUUID().toString();
        List<Map<String, String>> users = IntStream.range(0, count)
                .mapToObj(i -> Map.of("name", "User " + i, "email", batch + "." + i + "@example.com"))
                .toList();
        return client.data(
                        "mutation ($users: [NewUser!]!) { createUsers(users: $users) { users { id name email } } }",
                        Map.of("users", users))
                .at("/createUsers/users")
                .valueStream()
                .toList();
    }

    private String createGroup(String name) {
        return client.data(
                        "mutation ($name: String!) { createGroup(name: $name) { group { id } } }", Map.of("name", name))
                .at("/createGroup/group/id")
                .asString();
    }

    private static Map<String, Object> user(String key, Object value) {
        return Map.of("__typename", "User", key, value);
    }

    private static JsonNode withType(String typeName, JsonNode fields) {
        return JsonMapper.shared()
                .createObjectNode()
                .put("__typename", typeName)
                .setAll((ObjectNode) fields);
    }
}
