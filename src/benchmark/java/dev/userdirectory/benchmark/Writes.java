package dev.userdirectory.benchmark;

import dev.userdirectory.benchmark.Workload.Operation;
import dev.userdirectory.group.Group;
import dev.userdirectory.relay.GlobalId;
import dev.userdirectory.user.User;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.stream.IntStream;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.jdbc.support.SqlArrayValue;

/** Creates mutations, each of which changes different objects. */
final class Writes {
    /** The end of the e-mail addresses of users that the load creates. */
    static final String CREATED = "@load.example";

    /** Separates a name from the number that {@link #updateUser} appends. */
    private static final String CHANGED = " #";

    static final List<String> UNDO = List.of(
            "delete from users where email like '%" + CREATED + "'",
            "delete from group_members where joined_at > '2026-01-01'", // later than any row of the sample
            "update users set name = split_part(name, '" + CHANGED + "', 1) where name like '%" + CHANGED + "%'");

    private static final int MANY = 1000;

    private final JdbcTemplate jdbc;
    private final List<UUID> ids;
    private final String run = Long.toString(System.currentTimeMillis(), 36);

    /** @param ids the IDs of existing users */
    Writes(JdbcTemplate jdbc, List<UUID> ids) {
        this.jdbc = jdbc;
        this.ids = ids;
    }

    Operation createUser() {
        String document = """
                mutation ($name: String!, $email: String!) {
                  createUser(name: $name, email: $email) { user { id name email } }
                }""";
        return new Operation(
                n -> Operation.toBody(document, newUser(Long.toString(n))),
                n -> {
                    Map<String, String> user = newUser(Long.toString(n));
                    return Map.of(
                            "id",
                            idsOf(List.of(user)).getFirst().get("id"),
                            "name",
                            user.get("name"),
                            "email",
                            user.get("email"));
                },
                data -> data.at("/createUser/user"));
    }

    Operation createUsers() {
        String document = "mutation ($users: [NewUser!]!) { createUsers(users: $users) { users { id } } }";
        return new Operation(
                n -> Operation.toBody(document, Map.of("users", newUsers(n))),
                n -> idsOf(newUsers(n)),
                data -> data.at("/createUsers/users"));
    }

    Operation updateUser() {
        String document =
                "mutation ($id: ID!, $name: String!) { updateUser(id: $id, name: $name) { user { id name } } }";
        List<String> names = jdbc.queryForList(
                "select name from users join unnest(?) with ordinality given (id, n) using (id) order by n",
                String.class,
                new SqlArrayValue("uuid", ids.toArray()));
        return new Operation(
                n -> Operation.toBody(document, changed(n, names)),
                n -> {
                    UUID id = ids.get((int) (n % ids.size()));
                    return jdbc.queryForMap("select ? as id, name from users where id = ?", globalId(id), id);
                },
                data -> data.at("/updateUser/user"));
    }

    private Map<String, String> changed(long n, List<String> names) {
        int i = (int) (n % ids.size());
        return Map.of("id", globalId(ids.get(i)), "name", names.get(i) + CHANGED + n);
    }

    /** Adds a thousand members to every group before the first group gets another thousand. */
    Operation addGroupMembers() {
        String document = """
                mutation ($group: ID!, $users: [ID!]!) {
                  addGroupMembers(groupId: $group, userIds: $users) { group { id } }
                }""";
        List<UUID> groups = jdbc.queryForList("select id from groups order by id", UUID.class);
        return new Operation(
                n -> Operation.toBody(
                        document,
                        Map.of(
                                "group",
                                globalId(groups, n),
                                "users",
                                members(n, groups).stream()
                                        .map(Writes::globalId)
                                        .toList())),
                n -> {
                    List<UUID> added = jdbc.queryForList(
                            "select user_id from group_members where group_id = ? and user_id = any(?)",
                            UUID.class,
                            groups.get((int) (n % groups.size())),
                            new SqlArrayValue("uuid", members(n, groups).toArray()));
                    return Map.of("id", added.size() == MANY ? globalId(groups, n) : "not added");
                },
                data -> data.at("/addGroupMembers/group"));
    }

    private List<UUID> members(long n, List<UUID> groups) {
        int from = (int) (n / groups.size() % (ids.size() / MANY)) * MANY;
        return ids.subList(from, from + MANY);
    }

    private static String globalId(List<UUID> groups, long n) {
        return new GlobalId(Group.TYPE, groups.get((int) (n % groups.size()))).toString();
    }

    private static String globalId(UUID id) {
        return new GlobalId(User.TYPE, id).toString();
    }

    private List<Map<String, String>> newUsers(long n) {
        return IntStream.range(0, MANY).mapToObj(i -> newUser(n + "." + i)).toList();
    }

    private Map<String, String> newUser(String number) {
        return Map.of("name", "Maria Garcia", "email", number + "." + run + CREATED);
    }

    /** Returns the IDs of the users with these addresses, in order of creation. */
    private List<Map<String, String>> idsOf(List<Map<String, String>> users) {
        Object[] emails = users.stream().map(user -> user.get("email")).toArray();
        return jdbc
                .queryForList(
                        "select id from users where email = any(?) order by id",
                        UUID.class,
                        new SqlArrayValue("text", emails))
                .stream()
                .map(id -> Map.of("id", globalId(id)))
                .toList();
    }
}
