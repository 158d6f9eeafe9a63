package dev.userdirectory.benchmark;

import dev.userdirectory.benchmark.Servers.Kind;
import dev.userdirectory.benchmark.Workload.Operation;
import dev.userdirectory.group.Group;
import dev.userdirectory.relay.GlobalId;
import dev.userdirectory.relay.GlobalIds;
import dev.userdirectory.relay.NodeType;
import dev.userdirectory.user.User;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.UUID;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.jdbc.support.SqlArrayValue;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;

/** What is measured, and what SQL says the answers are. */
final class Workloads {
    static final String USER = "user by ID";
    static final String FIRST = "first page of 20";
    static final String FIRST_OF_FEW = "first page of 20, of 10,000 users";
    static final String DEEP = "page at depth 900,000";
    static final String ANYWHERE = "page anywhere";
    static final String GROUPS = "20 users with 5 groups";
    static final String CREATE = "createUser";
    static final String TOTAL = "page with totalCount";
    static final String ENTITIES = "_entities of 100";
    static final String RARE = "search, rare";
    static final String COMMON = "search, common";
    static final String MIXED = "90% user, 10% createUser";
    static final String RARELY_MIXED = "99% user, 1% createUser";
    static final String CACHED = "first page of 20, cached";
    static final String CACHED_USER = "user by ID, cached";
    static final String CACHED_MIXED = "90% user, 10% createUser, cached";
    static final String CACHED_RARELY_MIXED = "99% user, 1% createUser, cached";

    /** Whom the load has created, to be removed again. */
    static final String CREATED = "@load.example";

    static final int DEPTH = 900_000;
    private static final int PLACES = 500;

    private static final String USER_DOCUMENT = "query ($id: ID!) { user(id: $id) { id name email } }";
    private static final String CREATE_DOCUMENT = """
            mutation ($name: String!, $email: String!) {
              createUser(name: $name, email: $email) { user { id name email } }
            }""";

    private final JdbcTemplate million;
    private final JdbcTemplate few;
    private final List<UUID> ids;
    private final String run = Long.toString(System.currentTimeMillis(), 36);

    Workloads(JdbcTemplate million, JdbcTemplate few) {
        this.million = million;
        this.few = few;
        ids = new ArrayList<>(
                million.queryForList("select id from users tablesample bernoulli (1.1) repeatable (0)", UUID.class));
        Collections.shuffle(ids, new Random(0));
    }

    /**
     * What is compared comes one after the other, since the machine is not as fast in all minutes.
     *
     * @param cursors of users by e-mail address
     */
    List<Workload> all(Function<String, String> cursors) {
        String deepCursor = cursors.apply(Objects.requireNonNull(million.queryForObject(
                "select email from users order by created_at, id offset ? limit 1", String.class, DEPTH - 1)));
        Operation user = user();
        Operation create = create();
        List<Operation> mixed = mixed(9, user, create);
        List<Operation> rarelyMixed = mixed(99, user, create);
        return List.of(
                new Workload(USER, Kind.MILLION_USERS, false, List.of(user)),
                page(FIRST_OF_FEW, Kind.TEN_THOUSAND_USERS, "first: 20", few, "", 0),
                page(FIRST, Kind.MILLION_USERS, "first: 20", million, "", 0),
                search(COMMON, "maria"),
                page(DEEP, Kind.MILLION_USERS, "first: 20, after: \"" + deepCursor + "\"", million, "", DEPTH),
                page(TOTAL, Kind.MILLION_USERS, "first: 20", million, "totalCount", 0),
                new Workload(ANYWHERE, Kind.MILLION_USERS, false, List.of(pageAnywhere(cursors))),
                new Workload(GROUPS, Kind.MILLION_USERS, false, List.of(groups())),
                new Workload(ENTITIES, Kind.MILLION_USERS, false, List.of(entities())),
                search(RARE, "xavier quispe"),
                page(CACHED, Kind.CACHED, "first: 20", million, "", 0),
                new Workload(CACHED_USER, Kind.CACHED, false, List.of(user)),
                new Workload(MIXED, Kind.MILLION_USERS, true, mixed),
                new Workload(CACHED_MIXED, Kind.CACHED, true, mixed),
                new Workload(RARELY_MIXED, Kind.MILLION_USERS, true, rarelyMixed),
                new Workload(CACHED_RARELY_MIXED, Kind.CACHED, true, rarelyMixed),
                new Workload(CREATE, Kind.MILLION_USERS, true, List.of(create)));
    }

    private static List<Operation> mixed(int reads, Operation read, Operation write) {
        List<Operation> mixed = new ArrayList<>(Collections.nCopies(reads, read));
        mixed.add(write);
        return mixed;
    }

    private Operation user() {
        List<Map<String, Object>> variables = ids.stream()
                .map(id -> Map.<String, Object>of("id", globalId(User.TYPE, id)))
                .toList();
        return Operation.read(
                USER_DOCUMENT,
                variables,
                i -> users(million, "where id = ?", ids.get(i)).getFirst(),
                data -> data.path("user"));
    }

    private static Workload page(
            String name, Kind service, String arguments, JdbcTemplate jdbc, String totalCount, int offset) {
        String document = "{ users(%s) { nodes { id name email } pageInfo { endCursor hasNextPage } %s } }"
                .formatted(arguments, totalCount);
        return new Workload(
                name,
                service,
                false,
                List.of(Operation.read(
                        document,
                        List.of(Map.of()),
                        i -> {
                            List<Object> shown = new ArrayList<>(
                                    List.of(users(jdbc, "order by created_at, id offset ? limit 20", offset), true));
                            if (!totalCount.isEmpty()) {
                                shown.add(jdbc.queryForObject("select count(*) from users", Integer.class));
                            }
                            return shown;
                        },
                        parts("/users/nodes", "/users/pageInfo/hasNextPage", "/users/totalCount"))));
    }

    /** As real clients send them: hardly two requests at a time ask for the same page. */
    private Operation pageAnywhere(Function<String, String> cursors) {
        List<String> emails = million.queryForList(
                "select email from users where id = any(?)",
                String.class,
                new SqlArrayValue("uuid", ids.subList(0, PLACES).toArray()));
        String document = """
                query ($after: String) {
                  users(first: 20, after: $after) { nodes { id name email } pageInfo { endCursor hasNextPage } }
                }""";
        return Operation.read(
                document,
                emails.stream()
                        .map(email -> Map.<String, Object>of("after", cursors.apply(email)))
                        .toList(),
                i -> users(
                        million,
                        "where (created_at, id) > (select created_at, id from users where email = ?)"
                                + " order by created_at, id limit 20",
                        emails.get(i)),
                data -> data.at("/users/nodes"));
    }

    private Workload search(String name, String text) {
        String document = """
                query ($filter: UserFilter) {
                  users(filter: $filter, first: 20) { nodes { id name email } pageInfo { endCursor hasNextPage } }
                }""";
        return new Workload(
                name,
                Kind.MILLION_USERS,
                false,
                List.of(Operation.read(
                        document,
                        List.of(Map.of("filter", Map.of("search", text))),
                        i -> users(
                                million,
                                "where concat_ws(e'\\n', name_lower, email_lower) like '%' || ? || '%'"
                                        + " order by created_at, id limit 20",
                                text),
                        data -> data.at("/users/nodes"))));
    }

    private Operation groups() {
        String document = "{ users(first: 20) { nodes { id name email groups(first: 5) { nodes { id name } } } } }";
        return Operation.read(
                document,
                List.of(Map.of()),
                i -> users(million, "order by created_at, id limit 20").stream()
                        .peek(user -> user.put("groups", Map.of("nodes", groupsOf(user))))
                        .toList(),
                data -> data.at("/users/nodes"));
    }

    private List<Map<String, Object>> groupsOf(Map<String, Object> user) {
        UUID id = new GlobalIds(List.of(User.TYPE))
                .parse("id", (String) user.get("id"))
                .uuid();
        String sql = "select id, name from groups where id in (select group_id from group_members where user_id = ?)"
                + " order by name_lower, id limit 5";
        return million.query(
                sql,
                (row, n) -> Map.of(
                        "id", globalId(Group.TYPE, row.getObject("id", UUID.class)), "name", row.getString("name")),
                id);
    }

    private Operation entities() {
        String document = """
                query ($representations: [_Any!]!) {
                  _entities(representations: $representations) { ... on User { id name email } }
                }""";
        List<List<UUID>> hundreds = IntStream.range(0, ids.size() / 100)
                .mapToObj(i -> ids.subList(100 * i, 100 * i + 100))
                .toList();
        List<Map<String, Object>> variables = hundreds.stream()
                .map(hundred -> Map.<String, Object>of(
                        "representations",
                        hundred.stream()
                                .map(id -> Map.of("__typename", "User", "id", globalId(User.TYPE, id)))
                                .toList()))
                .toList();
        return Operation.read(
                document,
                variables,
                i -> users(
                        million,
                        "join unnest(?) with ordinality given (id, n) using (id) order by n",
                        new SqlArrayValue("uuid", hundreds.get(i).toArray())),
                data -> data.path("_entities"));
    }

    /** Each time somebody else. */
    private Operation create() {
        return new Operation(
                n -> Operation.toBody(CREATE_DOCUMENT, Map.of("name", "Maria Garcia", "email", email(n))),
                n -> users(million, "where email = ?", email(n)).getFirst(),
                data -> data.at("/createUser/user"));
    }

    private String email(long n) {
        return n + "." + run + CREATED;
    }

    private static List<Map<String, Object>> users(JdbcTemplate jdbc, String rest, Object... args) {
        return jdbc.query(
                "select users.id, name, email from users " + rest,
                (row, n) -> {
                    Map<String, Object> user = new LinkedHashMap<>();
                    user.put("id", globalId(User.TYPE, row.getObject("id", UUID.class)));
                    user.put("name", row.getString("name"));
                    user.put("email", row.getString("email"));
                    return user;
                },
                args);
    }

    private static Function<JsonNode, JsonNode> parts(String... pointers) {
        return data -> JsonNodeFactory.instance
                .arrayNode()
                .addAll(Arrays.stream(pointers)
                        .map(data::at)
                        .filter(part -> !part.isMissingNode())
                        .toList());
    }

    private static String globalId(NodeType type, UUID id) {
        return new GlobalId(type, id).toString();
    }
}
