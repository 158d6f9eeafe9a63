package dev.userdirectory.relay;

import static org.assertj.core.api.Assertions.assertThat;

import dev.userdirectory.Client;
import dev.userdirectory.Directory;
import dev.userdirectory.DirectoryTest;
import dev.userdirectory.group.Group;
import dev.userdirectory.user.User;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.beans.factory.annotation.Autowired;
import tools.jackson.databind.JsonNode;

@DirectoryTest
class NodeDataFetcherTest {
    private static final String NODES =
            "query ($ids: [ID!]!) { nodes(ids: $ids) { __typename id ... on User { email } ... on Group { members { totalCount } } } }";

    @Autowired
    Client client;

    @Autowired
    Directory directory;

    @Test
    void findsObjectsOfEveryType() {
        String user = directory.createUser();
        String group = directory.createGroup("Board", List.of(user));

        JsonNode data = client.data("""
                query ($user: ID!, $group: ID!) {
                  user: node(id: $user) { __typename id ... on User { email } }
                  group: node(id: $group) { __typename id ... on Group { name members { nodes { id } } } }
                }""", Map.of("user", user, "group", group));

        assertThat(data.at("/user/__typename").asString()).isEqualTo("User");
        assertThat(data.at("/user/id").asString()).isEqualTo(user);
        assertThat(data.at("/group/__typename").asString()).isEqualTo("Group");
        assertThat(data.at("/group/name").asString()).isEqualTo("Board");
        assertThat(data.at("/group/members/nodes").findValuesAsString("id")).containsExactly(user);
    }

    @Test
    void keepsTheOrderAndTheGapsOfTheIdsGiven() {
        List<String> users = directory.createUsers(3);
        String group = directory.createGroup("Board", users);
        String nobody = new GlobalId(User.TYPE, UUID.randomUUID()).toString();
        String nothing = new GlobalId(Group.TYPE, UUID.randomUUID()).toString();
        List<String> ids = List.of(users.get(2), nothing, users.get(0), group, nobody, users.get(2), users.get(1));

        JsonNode nodes = client.data(NODES, Map.of("ids", ids)).get("nodes");

        assertThat(nodes).hasSize(7);
        for (int i = 0; i < 7; i++) {
            if (i == 1 || i == 4) {
                assertThat(nodes.get(i).isNull()).isTrue();
            } else {
                assertThat(nodes.get(i).get("id").asString()).isEqualTo(ids.get(i));
            }
        }
    }

    @Test
    void acceptsUpToOneHundredIds() {
        List<String> users = new ArrayList<>(directory.createUsers(100));
        Collections.reverse(users);

        JsonNode nodes = client.data(NODES, Map.of("ids", users)).get("nodes");
        users.add(users.getFirst());
        JsonNode error = client.error(NODES, Map.of("ids", users));

        assertThat(nodes.findValuesAsString("id")).isEqualTo(users.subList(0, 100));
        assertThat(error.at("/extensions/code").asString()).isEqualTo("BAD_USER_INPUT");
        assertThat(error.at("/extensions/argument").asString()).isEqualTo("ids");
        assertThat(error.get("message").asString()).contains("100").contains("101");
    }

    @Test
    void findsNothingForEmptyListOfIds() {
        assertThat(client.data(NODES, Map.of("ids", List.of())).get("nodes")).isEmpty();
    }

    /** An ID contains its type, so looking it up as another type finds nothing. */
    @Test
    void findsNothingUnderAnotherType() {
        String user = directory.createUser();
        String group = directory.createGroup("Board", List.of(user));

        JsonNode data = client.data("""
                query ($user: ID!, $group: ID!) {
                  user(id: $group) { id }
                  group(id: $user) { id }
                  users(filter: { groupId: $user }) { totalCount }
                }""", Map.of("user", user, "group", group));

        assertThat(data.get("user").isNull()).isTrue();
        assertThat(data.get("group").isNull()).isTrue();
        assertThat(data.at("/users/totalCount").asInt()).isZero();
    }

    @Test
    void idsRevealNeitherTypeNorKey() {
        UUID key = UUID.randomUUID();
        String id = new GlobalId(User.TYPE, key).toString();

        assertThat(id).matches("[A-Za-z0-9_-]{23}").doesNotContain("User", key.toString());
        assertThat(new GlobalId(Group.TYPE, key)).doesNotHaveToString(id);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            node(id: $id) { id }                                      | id
            nodes(ids: [$id]) { id }                                  | ids.0
            user(id: $id) { id }                                      | id
            group(id: $id) { id }                                     | id
            users(filter: { groupId: $id }) { nodes { id } }          | filter.groupId
            """)
    void namesTheArgumentWithInvalidId(String field, String argument) {
        byte[] id = Base64.getUrlDecoder().decode(directory.createUser());
        byte[] otherTag = id.clone();
        otherTag[0] = 'X';
        for (String text : List.of(
                "",
                " ",
                "1",
                "nonsense",
                "not base64!",
                "VXNlcjox",
                "a-user-with-an-é",
                UUID.randomUUID().toString(),
                encode(otherTag),
                encode(Arrays.copyOf(id, 16)),
                encode(Arrays.copyOf(id, 18)),
                "A".repeat(10_000))) {
            JsonNode error = client.error("query ($id: ID!) { " + field + " }", Map.of("id", text));

            assertThat(error.at("/extensions/code").asString()).isEqualTo("BAD_USER_INPUT");
            assertThat(error.at("/extensions/argument").asString()).isEqualTo(argument);
            assertThat(error.get("message").asString())
                    .isEqualTo("Argument `" + argument + "` is not an ID of this service.");
        }
    }

    /** Base64 has other spellings of the same bytes, but an object has only one ID. */
    @Test
    void acceptsNoOtherSpellingOfAnId() {
        String id = new GlobalId(User.TYPE, UUID.fromString("ffffffff-ffff-7fff-bfff-fffffffffffb")).toString();
        char last = id.charAt(id.length() - 1);

        assertThat(client.data("query ($id: ID!) { node(id: $id) { id } }", Map.of("id", id))
                        .get("node")
                        .isNull())
                .isTrue();
        for (String other : List.of(
                id + "=",
                id.replace('_', '/').replace('-', '+'),
                id.substring(0, id.length() - 1) + (char) (last + 1),
                " " + id,
                id + "\n")) {
            assertThat(other).isNotEqualTo(id);
            assertThat(client.error("query ($id: ID!) { node(id: $id) { id } }", Map.of("id", other))
                            .at("/extensions/argument")
                            .asString())
                    .isEqualTo("id");
        }
    }

    @Test
    void namesTheFirstInvalidIdOfAList() {
        List<String> ids = new ArrayList<>(directory.createUsers(3));
        ids.set(1, "nonsense");

        JsonNode error = client.error(NODES, Map.of("ids", ids));

        assertThat(error.at("/extensions/argument").asString()).isEqualTo("ids.1");
    }

    @ParameterizedTest
    @ValueSource(strings = {"user(id: 5) { id }", "node(id: 0) { id }", "nodes(ids: 7) { id }"})
    void rejectsNumbersAsIds(String field) {
        assertThat(client.error("{ " + field + " }", Map.of())
                        .at("/extensions/code")
                        .asString())
                .isEqualTo("BAD_USER_INPUT");
    }

    private static String encode(byte[] bytes) {
        return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
    }
}
