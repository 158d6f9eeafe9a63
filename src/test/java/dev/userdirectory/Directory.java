package dev.userdirectory;

import com.zaxxer.hikari.HikariDataSource;
import java.sql.SQLException;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.stream.IntStream;
import javax.sql.DataSource;
import org.springframework.boot.test.context.TestComponent;
import org.springframework.jdbc.core.JdbcTemplate;
import tools.jackson.databind.JsonNode;

/** Creates and reads users and groups for tests. All tests share one directory, so each creates its own users. */
@TestComponent
public class Directory {
    private final Client client;
    private final JdbcTemplate jdbc;
    private final JdbcTemplate unrecorded;

    Directory(Client client, JdbcTemplate jdbc, DataSource dataSource) throws SQLException {
        this.client = client;
        this.jdbc = jdbc;
        // Without the proxy that records statements.
        unrecorded = new JdbcTemplate(dataSource.unwrap(HikariDataSource.class));
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
        List<String> ids = client
                .data(
                        "mutation ($users: [NewUser!]!) { createUsers(users: $users) { users { id } } }",
                        Map.of("users", users))
                .at("/createUsers/users")
                .values()
                .stream()
                .map(user -> user.get("id").asString())
                .toList();
        settle();
        return ids;
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
        settle();
        return id;
    }

    /**
     * Waits until the feed shows all writes. A transaction of PostgreSQL itself or of another instance may hold it back
     * for a moment. If a test leaves a transaction open, the wait ends without the writes.
     */
    public void settle() {
        Waiting.briefly(() -> Boolean.TRUE.equals(unrecorded.queryForObject("""
                select not exists (
                        select from user_events
                        where transaction >= pg_snapshot_xmin(pg_current_snapshot())::text::bigint)
                    or exists (
                        select from pg_stat_activity
                        where backend_xid is not null and (state like 'idle in%' or wait_event_type = 'Lock'))
                """, Boolean.class)));
    }

    /** Counts the users anew, since other tests delete events that have not been counted. */
    public void recount() {
        jdbc.update("""
                update user_count set
                    transaction = start,
                    users = (select count(*) from users) - (
                        select count(*) filter (where type = 'CREATED') - count(*) filter (where type = 'DELETED')
                        from user_events
                        where user_events.transaction >= start
                    )
                from (select pg_snapshot_xmin(pg_current_snapshot())::text::bigint as start) as counted
                """);
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
