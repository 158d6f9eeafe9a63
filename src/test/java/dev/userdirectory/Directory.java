package dev.userdirectory;

import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.stream.IntStream;
import org.springframework.boot.test.context.TestComponent;
import org.springframework.jdbc.core.JdbcTemplate;
import tools.jackson.databind.JsonNode;

/** Creates and reads users and groups for tests. All tests share one directory, so each creates its own users. */
@TestComponent
public class Directory {
    private final Client client;
    private final JdbcTemplate jdbc;

    Directory(Client client, JdbcTemplate jdbc) {
        this.client = client;
        this.jdbc = jdbc;
    }

    /** Returns an e-mail address that no user has. */
    public static String newEmail() {
        return UUID.randomUUID() + "@example.com";
    }

    public String createUser() {
        return createUsers(1).getFirst();
    }

    /** Returns the IDs of new users, in the order in which they were created. */
    public List<String> createUsers(int count) {
        List<Map<String, String>> users = IntStream.range(0, count)
                .mapToObj(i -> Map.of("name", "User " + i, "email", newEmail()))
                .toList();
        return client
                .data(
                        "mutation ($users: [NewUser!]!) { createUsers(users: $users) { users { id } } }",
                        Map.of("users", users))
                .at("/createUsers/users")
                .values()
                .stream()
                .map(user -> user.get("id").asString())
                .toList();
    }

    public String createGroup(String name, List<String> members) {
        String id = client.data(
                        "mutation ($name: String!) { createGroup(name: $name) { group { id } } }", Map.of("name", name))
                .at("/createGroup/group/id")
                .asString();
        client.data(
                "mutation ($id: ID!, $users: [ID!]!) { addGroupMembers(groupId: $id, userIds: $users) {"
                        + " errors { code } } }",
                Map.of("id", id, "users", members));
        return id;
    }

    public JsonNode user(String id) {
        return client.data(
                        "query ($id: ID!) { user(id: $id) { id name email active createdAt updatedAt version } }",
                        Map.of("id", id))
                .get("user");
    }

    public JsonNode group(String id) {
        return client.data("""
                query ($id: ID!) {
                  group(id: $id) { id name description createdAt updatedAt version members(first: 100) { nodes { id } } }
                }""", Map.of("id", id)).get("group");
    }

    /** A digest of every row that a client can change. A rejected request leaves it unchanged. */
    public List<Map<String, Object>> digest() {
        return jdbc.queryForList("""
                select 'users', count(*), sum(hashtextextended(users::text, 0)) from users union all
                select 'groups', count(*), sum(hashtextextended(groups::text, 0)) from groups union all
                select 'members', count(*), sum(hashtextextended(m::text, 0)) from group_members m
                order by 1
                """);
    }

    /** The errors of a mutation's payload, as in {@code users.3.email TAKEN}. */
    public static List<String> refusals(JsonNode payload) {
        return payload.get("errors").values().stream()
                .map(error -> String.join(
                                ".",
                                error.get("path").values().stream()
                                        .map(JsonNode::asString)
                                        .toList())
                        + " " + error.get("code").asString())
                .toList();
    }
}
