package dev.userdirectory.benchmark;

import dev.userdirectory.benchmark.Build.Kind;
import dev.userdirectory.benchmark.Places.Place;
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
import java.util.UUID;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.jdbc.support.SqlArrayValue;
import org.springframework.util.function.SingletonSupplier;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;

/**
 * Creates the workloads, with SQL for the expected responses. Requests differ from each other unless the name says
 * otherwise.
 */
final class Workloads {
    static final String USER = "user by ID";
    static final String PAGE = "page of 20";
    static final String FIRST = "page among the first";
    static final String FIRST_OF_FEW = "page among the first (10,000 users)";
    static final String DEEP = "page at depth 900,000";
    static final String TOTAL = "page with totalCount";
    static final String SAME = "first page (same request)";
    static final String GROUPS = "20 users with 5 groups";
    static final String ENTITIES = "_entities of 100";
    static final String COMMON = "search (common)";
    static final String RARE = "search (rare)";
    static final String MIXED = "mix of reads and 10% writes";
    static final String SOME_WRITES = "reads of users with 10% writes";
    static final String FEW_WRITES = "reads of users with 1% writes";
    static final String CREATE = "createUser";
    static final String CREATE_MANY = "create 1,000 users";
    static final String UPDATE = "updateUser";
    static final String ADD_MEMBERS = "add 1,000 members";

    private static final String NOT_CACHED = " (not cached)";
    /** A first name and an initial. */
    private static final String COMMON_TEXTS =
            "select substring(name_lower, '^[a-z]+ [a-z]') from users where created_at < '2026-01-01'"
                    + " group by 1 having count(*) > 3000 order by 1";

    private static final String RARE_TEXTS =
            "select name_lower from users where created_at < '2026-01-01' group by 1 having count(*) < 30 order by 1";

    static final int DEPTH = 900_000;
    /** A prime number, so that workloads that mix reads and writes also read every one of these users. */
    private static final int USERS = 10_007;

    private static final int PLACES = 500;

    private final Build build;
    private final Predicate<String> wanted;
    private final Places places;
    private final JdbcTemplate million;
    private final List<UUID> ids;
    private final List<Workload> all = new ArrayList<>();

    /**
     * Selects the same IDs from every database, regardless of what earlier runs have written.
     *
     * @param wanted whether the workload with this name is needed
     */
    Workloads(Build build, Predicate<String> wanted) {
        this.build = build;
        this.wanted = wanted;
        places = new Places(build);
        million = build.million;
        ids = million.queryForList(
                "select id from users where created_at < '2026-01-01' order by hashtext(id::text), id limit ?",
                UUID.class,
                USERS);
    }

    static String notCached(String name) {
        return name + NOT_CACHED;
    }

    /**
     * Returns the wanted workloads. Those that are compared with each other are adjacent, because the speed of the
     * machine varies over time.
     */
    List<Workload> all() {
        Writes writes = new Writes(million, ids);
        Supplier<List<Place>> somewhere = once(() -> places.of(ids.subList(0, PLACES)));
        Supplier<Operation> user = once(this::user);
        Supplier<Operation> page = once(() -> pages(million, "", somewhere.get()));
        Supplier<Operation> groups = once(() -> groups(somewhere.get()));
        Supplier<Operation> create = once(writes::createUser);
        addBoth(USER, false, user);
        addBoth(PAGE, false, page);
        add(FIRST_OF_FEW, Kind.TEN_THOUSAND_USERS, false, () -> firstPages(Kind.TEN_THOUSAND_USERS, build.few));
        add(FIRST, Kind.NOT_CACHED, false, () -> firstPages(Kind.NOT_CACHED, million));
        add(DEEP, Kind.NOT_CACHED, false, this::deepPages);
        add(TOTAL, Kind.NOT_CACHED, false, () -> pages(million, "totalCount", somewhere.get()));
        add(COMMON, Kind.NOT_CACHED, false, () -> search(COMMON_TEXTS));
        add(RARE, Kind.NOT_CACHED, false, () -> search(RARE_TEXTS));
        addBoth(SAME, false, this::firstPage);
        addBoth(GROUPS, false, groups);
        addBoth(ENTITIES, false, once(this::entities));
        addBoth(MIXED, true, user, page, user, groups, user, page, user, create, user, user);
        addBoth(SOME_WRITES, true, mixed(9, user, create));
        addBoth(FEW_WRITES, true, mixed(99, user, create));
        add(CREATE, Kind.DEFAULT, true, create);
        add(UPDATE, Kind.DEFAULT, true, writes::updateUser);
        add(CREATE_MANY, Kind.DEFAULT, true, writes::createUsers);
        add(ADD_MEMBERS, Kind.DEFAULT, true, writes::addGroupMembers);
        return all;
    }

    private static <T> Supplier<T> once(Supplier<T> supplier) {
        return SingletonSupplier.of(supplier)::obtain;
    }

    @SafeVarargs
    private void addBoth(String name, boolean isWriting, Supplier<Operation>... operations) {
        add(name, Kind.DEFAULT, isWriting, operations);
        add(notCached(name), Kind.NOT_CACHED, isWriting, operations);
    }

    @SafeVarargs
    private void add(String name, Kind kind, boolean isWriting, Supplier<Operation>... operations) {
        if (wanted.test(name)) {
            all.add(new Workload(
                    name,
                    kind,
                    isWriting,
                    Arrays.stream(operations).map(Supplier::get).toList()));
        }
    }

    @SuppressWarnings("unchecked") // an array of a generic type
    private static Supplier<Operation>[] mixed(int reads, Supplier<Operation> read, Supplier<Operation> write) {
        List<Supplier<Operation>> mixed = new ArrayList<>(Collections.nCopies(reads, read));
        mixed.add(write);
        return mixed.toArray(Supplier[]::new);
    }

    private Operation firstPages(Kind kind, JdbcTemplate jdbc) {
        return pages(jdbc, "", places.after(kind, null, PLACES));
    }

    private Operation deepPages() {
        UUID user = Objects.requireNonNull(million.queryForObject(
                "select id from users order by created_at, id offset ? limit 1", UUID.class, DEPTH - 1));
        return pages(million, "", places.after(Kind.NOT_CACHED, places.of(user), PLACES));
    }

    private Operation user() {
        return Operation.read(
                "query ($id: ID!) { user(id: $id) { id name email } }",
                ids.stream()
                        .map(id -> Map.<String, Object>of("id", globalId(User.TYPE, id)))
                        .toList(),
                i -> users(million, "where id = ?", ids.get(i)).getFirst(),
                data -> data.path("user"));
    }

    private static Operation pages(JdbcTemplate jdbc, String totalCount, List<Place> places) {
        String document = """
                query ($after: String) {
                  users(first: 20, after: $after) { nodes { id name email } pageInfo { endCursor hasNextPage } %s }
                }""".formatted(totalCount);
        return Operation.read(
                document,
                cursors(places),
                i -> {
                    List<Object> shown = new ArrayList<>(List.of(pageAfter(jdbc, places.get(i)), true));
                    if (!totalCount.isEmpty()) {
                        shown.add(jdbc.queryForObject("select count(*) from users", Integer.class));
                    }
                    return shown;
                },
                parts("/users/nodes", "/users/pageInfo/hasNextPage", "/users/totalCount"));
    }

    private Operation firstPage() {
        return Operation.read(
                "{ users(first: 20) { nodes { id name email } pageInfo { endCursor hasNextPage } } }",
                List.of(Map.of()),
                i -> users(million, "order by created_at, id limit 20"),
                data -> data.at("/users/nodes"));
    }

    private static List<Map<String, Object>> cursors(List<Place> places) {
        return places.stream()
                .map(place -> Map.<String, Object>of("after", place.cursor()))
                .toList();
    }

    private static List<Map<String, Object>> pageAfter(JdbcTemplate jdbc, Place place) {
        return users(
                jdbc,
                "where (created_at, id) > (select created_at, id from users where id = ?) order by created_at, id limit 20",
                place.user());
    }

    /** @param texts SQL that selects the texts to search for */
    private Operation search(String texts) {
        List<String> searched = million.queryForList(texts, String.class);
        String document = """
                query ($filter: UserFilter) {
                  users(filter: $filter, first: 20) { nodes { id name email } pageInfo { endCursor hasNextPage } }
                }""";
        return Operation.read(
                document,
                searched.stream()
                        .map(text -> Map.<String, Object>of("filter", Map.of("search", text)))
                        .toList(),
                i -> users(
                        million,
                        "where concat_ws(e'\\n', name_lower, email_lower) like '%' || ? || '%'"
                                + " order by created_at, id limit 20",
                        searched.get(i)),
                data -> data.at("/users/nodes"));
    }

    private Operation groups(List<Place> places) {
        String document = """
                query ($after: String) {
                  users(first: 20, after: $after) { nodes { id name email groups(first: 5) { nodes { id name } } } }
                }""";
        return Operation.read(
                document,
                cursors(places),
                i -> pageAfter(million, places.get(i)).stream()
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
