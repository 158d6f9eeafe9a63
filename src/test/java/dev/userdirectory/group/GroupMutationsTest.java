package dev.userdirectory.group;

import static dev.userdirectory.Directory.refusals;
import static org.assertj.core.api.Assertions.assertThat;

import dev.userdirectory.Client;
import dev.userdirectory.Directory;
import dev.userdirectory.DirectoryTest;
import dev.userdirectory.SharedSettings;
import java.time.Instant;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.beans.factory.annotation.Autowired;
import tools.jackson.databind.JsonNode;

@DirectoryTest
@SharedSettings // the deadline
class GroupMutationsTest {
    private static final String GROUP = "group { id name description createdAt updatedAt version }";

    @Autowired
    Client client;

    @Autowired
    Directory directory;

    @Test
    void createGroupReturnsTheGroupAsStored() {
        JsonNode group = client.data("mutation { createGroup(name: \"Board\", description: \"Who decides.\") { group {"
                        + " id name description createdAt updatedAt version members(first: 100) { nodes { id } } } } }")
                .at("/createGroup/group");

        assertThat(group).isEqualTo(directory.group(group.get("id").asString()));
        assertThat(group.get("description").asString()).isEqualTo("Who decides.");
        assertThat(group.get("version").asInt()).isZero();
        assertThat(group.get("updatedAt")).isEqualTo(group.get("createdAt"));
    }

    @Test
    void createsSeveralGroupsWithTheSameName() {
        assertThat(directory.createGroup("Board", List.of())).isNotEqualTo(directory.createGroup("Board", List.of()));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", ", description: null"})
    void createsGroupWithoutDescription(String arguments) {
        JsonNode payload = client.data("mutation { createGroup(name: \"Board\"" + arguments + ") { " + GROUP
                        + " errors { path code } } }")
                .get("createGroup");

        assertThat(refusals(payload)).isEmpty();
        assertThat(payload.at("/group/description").isNull()).isTrue();
    }

    @Test
    void reportsAllProblemsOfNewGroup() {
        JsonNode payload = client.data(
                        "mutation ($d: String) { createGroup(name: \" \", description: $d) { group { id } errors { path code } } }",
                        Map.of("d", "x".repeat(2001)))
                .get("createGroup");

        assertThat(refusals(payload)).containsExactly("name INVALID", "description INVALID");
    }

    /** The description is optional, so null is valid for it. The name is required. */
    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '\0', textBlock = """
            a group         | name: null                           | name INVALID
            a group         | name: " "                            | name INVALID
            a group         | ifVersion: null                      | ifVersion INVALID
            a group         | ifVersion: 1                         | ifVersion STALE
            a group         | ifVersion: 1, name: "x\\ty"          | ifVersion STALE, name INVALID
            a group         | name: "", description: "\\u0000"     | name INVALID, description INVALID
            a deleted group | name: "Al"                           | id NOT_FOUND
            a user          | name: "Al"                           | id NOT_FOUND
            no ID           | name: null, ifVersion: null          | id INVALID, name INVALID, ifVersion INVALID
            """)
    void reportsAllProblemsOfUpdate(String of, String arguments, String refusals) {
        String id = idOf(of);
        Object before = directory.digest();

        JsonNode payload = update(id, arguments);

        assertThat(refusals(payload)).containsExactlyInAnyOrder(refusals.split(", "));
        assertThat(payload.get("group").isNull()).isTrue();
        assertThat(directory.digest()).isEqualTo(before);
    }

    @Test
    void changesOnlyTheGivenFields() {
        String id = directory.createGroup("Board", List.of());

        JsonNode described = update(id, "description: \"Who decides.\"").get("group");
        JsonNode renamed = update(id, "name: \"Council\", ifVersion: 1").get("group");
        JsonNode cleared = update(id, "description: null").get("group");

        assertThat(described.get("name").asString()).isEqualTo("Board");
        assertThat(described.get("description").asString()).isEqualTo("Who decides.");
        assertThat(described.get("version").asInt()).isEqualTo(1);
        assertThat(renamed.get("name").asString()).isEqualTo("Council");
        assertThat(renamed.get("description").asString()).isEqualTo("Who decides.");
        assertThat(renamed.get("version").asInt()).isEqualTo(2);
        assertThat(cleared.get("name").asString()).isEqualTo("Council");
        assertThat(cleared.get("description").isNull()).isTrue();
        assertThat(cleared.get("version").asInt()).isEqualTo(3);
        assertThat(Instant.parse(cleared.get("updatedAt").asString()))
                .isAfter(Instant.parse(cleared.get("createdAt").asString()));
    }

    @Test
    void keepsVersionIfNothingChanges() {
        String id = directory.createGroup("Board", List.of());
        JsonNode before = directory.group(id);

        for (String arguments : List.of("name: \" Board \"", "description: null", "ifVersion: 0")) {
            assertThat(refusals(update(id, arguments))).isEmpty();
        }

        assertThat(directory.group(id)).isEqualTo(before);
    }

    @Test
    void deletesGroupAndMembershipsButNoUser() {
        String user = directory.createUser();
        String kept = directory.createGroup("Kept", List.of(user));
        String deleted = directory.createGroup("Deleted", List.of(user));

        JsonNode payload = delete(deleted, ", ifVersion: 0");

        assertThat(refusals(payload)).isEmpty();
        assertThat(payload.get("deletedGroupId").asString()).isEqualTo(deleted);
        assertThat(directory.group(deleted).isNull()).isTrue();
        assertThat(client.data("{ user(id: \"" + user + "\") { groups { nodes { id } } } }")
                        .findValuesAsString("id"))
                .containsExactly(kept);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '\0', textBlock = """
            a group         | , ifVersion: 1    | ifVersion STALE
            a group         | , ifVersion: null | ifVersion INVALID
            a deleted group | , ifVersion: 0    | id NOT_FOUND
            a user          | , ifVersion: 0    | id NOT_FOUND
            no ID           | , ifVersion: null | id INVALID, ifVersion INVALID
            """)
    void rejectedDeletionChangesNothing(String of, String arguments, String refusals) {
        String id = idOf(of);
        Object before = directory.digest();

        JsonNode payload = delete(id, arguments);

        assertThat(refusals(payload)).containsExactlyInAnyOrder(refusals.split(", "));
        assertThat(payload.get("deletedGroupId").isNull()).isTrue();
        assertThat(directory.digest()).isEqualTo(before);
    }

    @Test
    void addsAndRemovesOneThousandMembersAtOnce() {
        List<String> users = directory.createUsers(1000);
        String group = directory.createGroup("Thousand", List.of());

        assertThat(refusals(addMembers(group, users))).isEmpty();
        assertThat(memberCount(group)).isEqualTo(1000);
        assertThat(refusals(removeMembers(group, users))).isEmpty();
        assertThat(memberCount(group)).isZero();
    }

    @Test
    void rejectsMoreThanOneThousandMembers() {
        String group = directory.createGroup("Board", List.of());
        List<String> users = Collections.nCopies(1001, directory.createUser());

        assertThat(refusals(addMembers(group, users))).containsExactly("userIds INVALID");
        assertThat(refusals(removeMembers(group, users))).containsExactly("userIds INVALID");
        assertThat(refusals(addMembers("nonsense", users)))
                .containsExactlyInAnyOrder("groupId INVALID", "userIds INVALID");
        assertThat(memberCount(group)).isZero();
    }

    @Test
    void acceptsEmptyListOfMembers() {
        String group = directory.createGroup("Board", directory.createUsers(1));

        assertThat(refusals(addMembers(group, List.of()))).isEmpty();
        assertThat(refusals(removeMembers(group, List.of()))).isEmpty();
        assertThat(memberCount(group)).isEqualTo(1);
    }

    @Test
    void keepsThePositionOfExistingMembers() {
        List<String> users = directory.createUsers(3);
        String group = directory.createGroup("Board", List.of(users.get(2)));

        assertThat(refusals(addMembers(group, List.of(users.get(1), users.get(1)))))
                .isEmpty();
        assertThat(refusals(addMembers(group, users))).isEmpty();

        assertThat(members(group)).containsExactly(users.get(2), users.get(1), users.get(0));
    }

    @Test
    void removesOnlyTheGivenMembers() {
        List<String> users = directory.createUsers(3);
        String group = directory.createGroup("Board", users.subList(0, 2));

        JsonNode payload = removeMembers(group, List.of(users.get(2), users.get(0), users.get(0)));

        assertThat(refusals(payload)).isEmpty();
        assertThat(members(group)).containsExactly(users.get(1));
    }

    @Test
    void reportsEachInvalidMember() {
        String user = directory.createUser();
        String group = directory.createGroup("Board", List.of());
        List<String> users = List.of(user, idOf("a deleted user"), "nonsense", user, group);
        Object before = directory.digest();

        String[] refusals = {"userIds.1 NOT_FOUND", "userIds.2 INVALID", "userIds.4 NOT_FOUND"};
        assertThat(refusals(addMembers(group, users))).containsExactlyInAnyOrder(refusals);
        assertThat(refusals(removeMembers(group, users))).containsExactlyInAnyOrder(refusals);
        assertThat(directory.digest()).isEqualTo(before);
    }

    @ParameterizedTest
    @CsvSource({"a deleted group, NOT_FOUND", "a user, NOT_FOUND", "no ID, INVALID"})
    void reportsInvalidGroupBesideInvalidMembers(String of, String code) {
        String group = idOf(of);
        List<String> users = List.of(directory.createUser(), "nonsense");
        Object before = directory.digest();

        String[] refusals = {"groupId " + code, "userIds.1 INVALID"};
        assertThat(refusals(addMembers(group, users))).containsExactlyInAnyOrder(refusals);
        assertThat(refusals(removeMembers(group, users))).containsExactlyInAnyOrder(refusals);
        assertThat(directory.digest()).isEqualTo(before);
    }

    private JsonNode update(String id, String arguments) {
        return client.data(
                        "mutation ($id: ID!) { updateGroup(id: $id, " + arguments + ") { " + GROUP
                                + " errors { path code } } }",
                        Map.of("id", id))
                .get("updateGroup");
    }

    private JsonNode delete(String id, String arguments) {
        return client.data(
                        "mutation ($id: ID!) { deleteGroup(id: $id" + arguments
                                + ") { deletedGroupId errors { path code } } }",
                        Map.of("id", id))
                .get("deleteGroup");
    }

    private JsonNode addMembers(String group, List<String> users) {
        return client.data(
                        "mutation ($group: ID!, $users: [ID!]!) { addGroupMembers(groupId: $group, userIds: $users) {"
                                + " group { id } errors { path code } } }",
                        Map.of("group", group, "users", users))
                .get("addGroupMembers");
    }

    private JsonNode removeMembers(String group, List<String> users) {
        return client.data(
                        "mutation ($group: ID!, $users: [ID!]!) { removeGroupMembers(groupId: $group, userIds: $users) {"
                                + " group { id } errors { path code } } }",
                        Map.of("group", group, "users", users))
                .get("removeGroupMembers");
    }

    private List<String> members(String group) {
        return directory.group(group).at("/members/nodes").findValuesAsString("id");
    }

    private int memberCount(String group) {
        return client.data("{ group(id: \"" + group + "\") { members { totalCount } } }")
                .at("/group/members/totalCount")
                .asInt();
    }

    private String idOf(String what) {
        return switch (what) {
            case "a group" -> directory.createGroup("Board", List.of());
            case "a deleted group" -> {
                String id = directory.createGroup("Board", List.of());
                delete(id, "");
                yield id;
            }
            case "a user" -> directory.createUser();
            case "a deleted user" -> {
                String id = directory.createUser();
                client.data("mutation { deleteUser(id: \"" + id + "\") { deletedUserId } }");
                yield id;
            }
            default -> "nonsense";
        };
    }
}
