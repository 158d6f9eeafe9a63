package dev.userdirectory.page;

import static org.assertj.core.api.Assertions.assertThat;

import dev.userdirectory.Client;
import dev.userdirectory.Directory;
import dev.userdirectory.DirectoryTest;
import dev.userdirectory.Soak;
import dev.userdirectory.TestPostgres.Statement;
import dev.userdirectory.TestPostgres.Statements;
import dev.userdirectory.group.Group;
import dev.userdirectory.relay.GlobalId;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.core.io.ClassPathResource;
import org.springframework.jdbc.core.ConnectionCallback;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.test.context.TestPropertySource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** How PostgreSQL plans the service's statements, in a directory large enough that a wrong plan would be slow. */
@Soak("loads 120,000 users")
@DirectoryTest
@TestPropertySource(properties = "directory.database.grace=2m") // All users are deleted by one statement.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class PlansTest {
    private static final int USERS = 120_000;
    private static final int SIZE = 20;
    private static final String USERS_PAGE = """
            query ($orderBy: UserOrder!, $filter: UserFilter, $first: Int, $after: String, $last: Int, $before: String) {
              users(orderBy: $orderBy, filter: $filter, first: $first, after: $after, last: $last, before: $before) {
                nodes { id }
                pageInfo { hasPreviousPage hasNextPage startCursor endCursor }
              }
            }""";

    private static final String MEMBERS_PAGE = """
            query (
              $id: ID!, $orderBy: UserOrder, $filter: UserFilter, $first: Int, $after: String, $last: Int, $before: String
            ) {
              group(id: $id) {
                members(orderBy: $orderBy, filter: $filter, first: $first, after: $after, last: $last, before: $before) {
                  nodes { id }
                  pageInfo { hasPreviousPage hasNextPage startCursor endCursor }
                }
              }
            }""";
    /** A page may walk 3,100 rows of the ordering's index. */
    private static final int BOUND = 4000;

    private static final List<String> INDEX_ALONE = List.of("Bitmap Index Scan", "Index Only Scan");

    @Autowired
    Client client;

    @Autowired
    Directory directory;

    @Autowired
    JdbcTemplate jdbc;

    @Autowired
    Statements statements;

    @BeforeAll
    void load() throws Exception {
        unload();
        directory.recount();
        keepStatistics(true);
        String million = new ClassPathResource("db/sample/million.sql").getContentAsString(StandardCharsets.UTF_8);
        withoutEventsOfMembers(million.replace("1000000", Integer.toString(USERS)));
        assertThat(jdbc.queryForObject("select count(*) from users where email ~ '[0-9]@example'", Integer.class))
                .isEqualTo(USERS);
        // The same users in seven groups that are too large to be sorted.
        withoutEventsOfMembers("""
                insert into groups (id, name, created_at, updated_at, version)
                select uuidv7(), 'Large ' || n, now(), now(), 0 from generate_series(1, 7) n;
                insert into group_members (group_id, user_id, joined_at)
                select g.id, u.id, u.created_at
                from groups g, (select *, row_number() over (order by created_at, id) as n from users) u
                where g.name like 'Large %' and u.n % 20 = 0
                """);
        // Among the last users, so that no walk from the beginning meets them.
        jdbc.update("update users set email = replace(email, 'example', 'rare') where id in ("
                + "select id from users order by created_at desc offset 100 limit 3)");
        jdbc.update("delete from group_members where user_id in ("
                + "select id from users order by created_at desc offset 200 limit 30)");
        // Without index_cleanup, pages with a few dead rows would stay as they are, and index-only scans seem costly.
        jdbc.execute("vacuum (index_cleanup on) users, groups, group_members, ungrouped_users");
        jdbc.execute("analyze ungrouped_users, group_members");
    }

    @AfterAll
    void unload() {
        withoutEventsOfMembers("delete from groups; delete from users");
        keepStatistics(false);
    }

    /** Autovacuum would collect new statistics in the middle of a test. */
    private void keepStatistics(boolean keep) {
        for (String table : List.of("users", "groups", "group_members", "ungrouped_users")) {
            jdbc.execute("alter table " + table + " set (autovacuum_enabled = " + !keep + ")");
        }
    }

    /** The tests share an event log, which would become large. */
    private void withoutEventsOfMembers(String sql) {
        jdbc.execute("alter table group_members disable trigger user");
        jdbc.execute(sql);
        jdbc.execute("alter table group_members enable trigger user");
    }

    @ParameterizedTest
    @CsvSource({
        "CREATED_AT,ASC", "CREATED_AT,DESC", "UPDATED_AT,ASC", "UPDATED_AT,DESC",
        "NAME,ASC", "NAME,DESC", "EMAIL,ASC", "EMAIL,DESC"
    })
    void seeksPagesOfUsersInAnIndex(String field, String direction) {
        Map<String, ?> orderBy = Map.of("field", field, "direction", direction);
        String email = jdbc.queryForObject(
                "select email from users order by created_at offset ? limit 1", String.class, USERS * 9 / 10);

        for (Map<String, Object> page : pages(cursorOf(email, orderBy))) {
            page.put("orderBy", orderBy);
            statements.clear();
            assertThat(client.data(USERS_PAGE, page).at("/users/nodes")).hasSize(SIZE);
            assertSeeks(statements.last());
        }
    }

    /** The cursor of a user. It is read with a filter, which does not change cursors. */
    private String cursorOf(@Nullable String email, Map<String, ?> orderBy) {
        return client.data(
                        USERS_PAGE,
                        Map.of(
                                "orderBy",
                                orderBy,
                                "filter",
                                Map.of("emails", List.of(String.valueOf(email))),
                                "first",
                                1))
                .at("/users/pageInfo/endCursor")
                .asString();
    }

    @ParameterizedTest
    @CsvSource({"CREATED_AT,createdAt", "UPDATED_AT,updatedAt"})
    void seeksRangeInTheIndexOfItsOrder(String field, String range) {
        Map<String, ?> filter = Map.of(range, Map.of("from", "2016-02-01T00:00:00Z", "before", "2017-01-01T00:00:00Z"));
        String cursor = client.data(
                        USERS_PAGE, Map.of("orderBy", Map.of("field", field), "filter", filter, "first", 100))
                .at("/users/pageInfo/endCursor")
                .asString();

        for (Map<String, Object> page : pages(cursor)) {
            page.put("orderBy", Map.of("field", field));
            page.put("filter", filter);
            statements.clear();
            assertThat(client.data(USERS_PAGE, page).at("/users/nodes")).hasSize(SIZE);
            assertSeeks(statements.last());
        }
    }

    /** Regardless of how many users pass the filter, and of their place in the order. */
    @ParameterizedTest
    @ValueSource(strings = {"CREATED_AT", "UPDATED_AT", "NAME", "EMAIL"})
    void findsPageOfEachFilterWithoutReadingMuch(String field) {
        List<String> emails = jdbc.query("select email from users order by created_at", (row, n) -> row.getString(1));
        for (String direction : List.of("ASC", "DESC")) {
            Map<String, ?> orderBy = Map.of("field", field, "direction", direction);
            String cursor = cursorOf(emails.get(USERS * 9 / 10), orderBy);
            String nearEnd = client.data(USERS_PAGE, Map.of("orderBy", orderBy, "last", SIZE / 2))
                    .at("/users/pageInfo/startCursor")
                    .asString();
            filters(emails).forEach((name, filter) -> {
                for (Map<String, ?> place :
                        List.<Map<String, ?>>of(Map.of(), Map.of("after", cursor), Map.of("after", nearEnd))) {
                    statements.clear();
                    Map<String, Object> page = new HashMap<>(place);
                    page.putAll(Map.of("orderBy", orderBy, "filter", filter, "first", SIZE));
                    client.data(USERS_PAGE, page);
                    assertReadsLittle(name + " by " + orderBy);
                }
            });
        }
    }

    /** Each filter, with values that match many users and with values that match few. */
    private Map<String, Map<String, ?>> filters(List<String> emails) {
        List<String> groups = groupsBySize();
        String start = "2016-01-01T00:00:00Z";
        Map<String, Map<String, ?>> filters = new LinkedHashMap<>();
        filters.put("active", Map.of("active", true));
        filters.put("created long", Map.of("createdAt", Map.of("from", start)));
        filters.put("created shortly", Map.of("createdAt", Map.of("from", start, "before", "2016-01-02T00:00:00Z")));
        filters.put("updated long", Map.of("updatedAt", Map.of("from", start)));
        filters.put("updated shortly", Map.of("updatedAt", Map.of("from", start, "before", "2016-01-02T00:00:00Z")));
        filters.put("emails", Map.of("emails", emails.subList(50, 150)));
        filters.put("common domain", Map.of("emailDomain", "example.com"));
        filters.put("rare domain", Map.of("emailDomain", "RARE.com"));
        filters.put("no domain", Map.of("emailDomain", "nobody.example"));
        filters.put("in no group", Map.of("inNoGroup", true));
        filters.put("in a group", Map.of("inNoGroup", false));
        filters.put("in any large group", Map.of("inAnyGroup", groups.subList(0, 20)));
        filters.put("in any small group", Map.of("inAnyGroup", groups.subList(groups.size() - 20, groups.size())));
        filters.put("in a large and a small group", Map.of("inAllGroups", List.of(groups.get(0), groups.getLast())));
        List<String> smallLast = new ArrayList<>(groups("select id from groups where name like 'Large %'"));
        smallLast.add(groups.getLast());
        filters.put("in seven large groups and a small one", Map.of("inAllGroups", smallLast));
        filters.put("in twenty groups", Map.of("inAllGroups", groups.subList(0, 20)));
        filters.put("in no large group", Map.of("inNoneOfGroups", groups.subList(0, 20)));
        return filters;
    }

    @ParameterizedTest
    @ValueSource(strings = {"CREATED_AT", "UPDATED_AT", "NAME", "EMAIL"})
    void findsPageOfSortedMembersWithoutReadingMuch(String field) {
        List<String> groups = groupsBySize();
        for (String id : List.of(groups.getFirst(), groups.get(100), groups.get(5000))) {
            String cursor = client.data(MEMBERS_PAGE, Map.of("id", id, "orderBy", Map.of("field", field), "first", 5))
                    .at("/group/members/pageInfo/endCursor")
                    .asString();
            for (Map<String, Object> page : pages(cursor)) {
                page.putAll(Map.of("id", id, "orderBy", Map.of("field", field)));
                statements.clear();
                assertThat(client.data(MEMBERS_PAGE, page).at("/group/members/nodes"))
                        .isNotEmpty();
                // A group that is too large to be sorted at once is still a small part of this directory.
                assertReadsLittle("members", id.equals(groups.getFirst()) ? 2 * BOUND : BOUND);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"CREATED_AT", "UPDATED_AT", "NAME", "EMAIL"})
    void findsPageOfFilteredMembersWithoutReadingMuch(String field) {
        List<Map<String, ?>> filters = List.of(
                Map.of("active", true),
                Map.of("emailDomain", "example.com"),
                Map.of("emailDomain", "nobody.example"),
                Map.of("createdAt", Map.of("from", "2016-01-01T00:00:00Z")));
        List<String> groups = groupsBySize();
        for (String id : List.of(groups.getFirst(), groups.get(100))) {
            String cursor = client.data(MEMBERS_PAGE, Map.of("id", id, "orderBy", Map.of("field", field), "first", 5))
                    .at("/group/members/pageInfo/endCursor")
                    .asString();
            for (Map<String, ?> filter : filters) {
                for (Map<String, Object> page : pages(cursor)) {
                    page.putAll(Map.of("id", id, "orderBy", Map.of("field", field), "filter", filter));
                    statements.clear();
                    client.data(MEMBERS_PAGE, page);
                    assertReadsLittle("members by " + filter, id.equals(groups.getFirst()) ? 2 * BOUND : BOUND);
                }
            }
        }
    }

    @Test
    void findsGroupByNameInAnIndex() {
        String name = jdbc.queryForObject("select name from groups order by id offset 4000 limit 1", String.class);
        statements.clear();
        assertThat(client.data("query ($name: String!) { groupByName(name: $name) { name } }", Map.of("name", name))
                        .at("/groupByName/name")
                        .asString())
                .isEqualTo(name);

        for (JsonNode plan : plans(statements.last())) {
            assertThat(nodes(plan)).allSatisfy(node -> assertThat(rows(node)).isEqualTo(1));
            assertThat(nodes(plan).stream().map(node -> node.path("Index Name").asString("")))
                    .contains("groups_name_key_id_idx");
        }
    }

    @Test
    void seeksPagesOfGroupsInAnIndex() {
        String groups = """
                query ($first: Int, $after: String, $last: Int, $before: String) {
                  groups(first: $first, after: $after, last: $last, before: $before) {
                    nodes { id }
                    pageInfo { hasPreviousPage hasNextPage startCursor endCursor }
                  }
                }""";
        String name =
                jdbc.queryForObject("select name from groups order by name_lower offset 5000 limit 1", String.class);
        String cursor = client.data(
                        "query ($name: String!) { groups(search: $name) { pageInfo { endCursor } } }",
                        Map.of("name", name))
                .at("/groups/pageInfo/endCursor")
                .asString();

        for (Map<String, Object> page : pages(cursor)) {
            statements.clear();
            assertThat(client.data(groups, page).at("/groups/nodes")).hasSize(SIZE);
            assertSeeks(statements.last());
        }
    }

    @Test
    void seeksPagesOfMembersInAnIndex() {
        String members = """
                query ($id: ID!, $first: Int, $after: String, $last: Int, $before: String) {
                  group(id: $id) {
                    members(first: $first, after: $after, last: $last, before: $before) {
                      nodes { id }
                      pageInfo { hasPreviousPage hasNextPage startCursor endCursor }
                    }
                  }
                }""";
        UUID largest = jdbc.queryForList(
                        "select group_id from group_members group by 1 order by count(*) desc limit 1", UUID.class)
                .getFirst();
        String id = new GlobalId(Group.TYPE, largest).toString();
        String cursor = "";
        Map<String, Object> walk = new HashMap<>(Map.of("id", id, "first", 100));
        for (int i = 0; i < 20; i++) {
            cursor = client.data(members, walk)
                    .at("/group/members/pageInfo/endCursor")
                    .asString();
            walk.put("after", cursor);
        }

        for (Map<String, Object> page : pages(cursor)) {
            page.put("id", id);
            statements.clear();
            assertThat(client.data(members, page).at("/group/members/nodes")).hasSize(SIZE);
            assertSeeks(statements.last());
        }
    }

    @Test
    void looksUpGroupsOfManyUsersByUser() {
        statements.clear();
        client.data("{ users(first: 50) { nodes { groups(first: 5) { nodes { name } } } } }");

        for (JsonNode plan : plans(statements.last())) {
            nodes(plan).forEach(node -> {
                assertThat(node.path("Node Type").asString()).isNotEqualTo("Seq Scan");
                // Each user has at most five groups, and both tables are read for each group.
                assertThat(rows(node)).isLessThanOrEqualTo(50 * 5);
            });
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"CREATED_AT", "NAME", "EMAIL"})
    void findsRareTextByItsIndex(String field) {
        List<JsonNode> nodes = searchNodes(field, "xavier.quispe");

        assertThat(nodes)
                .anySatisfy(node ->
                        assertThat(node.path("Index Name").asString()).isEqualTo("users_name_lower_email_lower_idx"));
        assertThat(nodes).allSatisfy(node -> assertThat(rows(node)).isLessThan(4000));
    }

    @ParameterizedTest
    @ValueSource(strings = {"CREATED_AT", "NAME", "EMAIL"})
    void findsCommonTextInTheOrderOfThePage(String field) {
        assertThat(searchNodes(field, "example"))
                .allSatisfy(node -> assertThat(rows(node)).isLessThanOrEqualTo(SIZE + 1));
    }

    @Test
    void doesNotScanTheWholeIndexForShortText() {
        assertThat(searchNodes("NAME", "q7"))
                .allSatisfy(
                        node -> assertThat(node.path("Node Type").asString()).isNotEqualTo("Bitmap Index Scan"));
    }

    /** Reads one row for the page itself, and no events that {@code user_count} already includes. */
    @Test
    void countsAllUsersWithoutReadingThem() {
        jdbc.update("insert into user_events (transaction, type, user_id)"
                + " select 3, 'UPDATED', gen_random_uuid() from generate_series(1, 20000)");
        jdbc.execute("analyze user_events");
        statements.clear();
        assertThat(client.data("{ users(first: 0) { totalCount } }")
                        .at("/users/totalCount")
                        .asInt())
                .isEqualTo(USERS);

        for (JsonNode plan : plans(statements.last())) {
            assertThat(nodes(plan)).allSatisfy(node -> {
                assertThat(rows(node)).isLessThan(1000);
                assertThat(node.path("Rows Removed by Filter").asDouble()).isZero();
            });
            assertThat(nodes(plan).stream().map(node -> node.path("Index Name").asString("")))
                    .contains("user_events_transaction_sequence_idx");
        }
        jdbc.update("delete from user_events where transaction = 3");
    }

    @Test
    void countsOnlyWhenAskedTo() {
        statements.clear();
        client.data(
                "{ users { edges { node { groups { nodes { members { nodes { id } } } } } } pageInfo { hasNextPage } }"
                        + " groups(search: \"a\") { nodes { id } } }");

        assertThat(statements.executed())
                .hasSizeGreaterThanOrEqualTo(4)
                .noneMatch(sql -> sql.contains("count(*) from " + "users"));
    }

    private List<JsonNode> searchNodes(String field, String search) {
        statements.clear();
        Map<String, ?> variables =
                Map.of("orderBy", Map.of("field", field), "filter", Map.of("search", search), "first", SIZE);
        client.data(USERS_PAGE, variables);
        return nodes(plans(statements.last()).getFirst());
    }

    /** The first page, the last one, and those on both sides of a cursor. */
    private static List<Map<String, Object>> pages(String cursor) {
        return Stream.<Map<String, Object>>of(
                        Map.of("first", SIZE),
                        Map.of("last", SIZE),
                        Map.of("first", SIZE, "after", cursor),
                        Map.of("last", SIZE, "before", cursor))
                .<Map<String, Object>>map(HashMap::new)
                .toList();
    }

    /** Only the page and the row after it are read, and no row is discarded. */
    private void assertSeeks(Statement statement) {
        for (JsonNode plan : plans(statement)) {
            for (JsonNode node : nodes(plan)) {
                String type = node.path("Node Type").asString();
                assertThat(type).doesNotContain("Seq Scan").doesNotContain("Bitmap");
                assertThat(rows(node)).as(type).isLessThanOrEqualTo(SIZE + 1);
                for (String reason : List.of("Filter", "Index Recheck", "Join Filter")) {
                    assertThat(node.path("Rows Removed by " + reason).asDouble())
                            .isZero();
                }
            }
        }
    }

    /** The IDs of groups, the largest first. */
    private List<String> groupsBySize() {
        return groups("select group_id from group_members join groups on id = group_id where name not like 'Large %'"
                + " group by 1 order by count(*) desc");
    }

    private List<String> groups(String sql) {
        return jdbc.query(sql, (row, n) -> new GlobalId(Group.TYPE, row.getObject(1, UUID.class)).toString());
    }

    private void assertReadsLittle(String request) {
        assertReadsLittle(request, BOUND);
    }

    /** Looks at all statements of the last request. Those that walk an index are not planned for their values. */
    private void assertReadsLittle(String request, int bound) {
        for (Statement statement : statements.withArguments()) {
            if (!statement.sql().contains("from users u")) {
                continue;
            }
            boolean isPlannedAnew = statement.sql().contains(" found where ");
            for (JsonNode node : nodes(plans(statement, isPlannedAnew ? 1 : 12).getLast())) {
                double read = rows(node)
                        + node.path("Actual Loops").asInt()
                                * (node.path("Rows Removed by Filter").asDouble()
                                        + node.path("Rows Removed by Join Filter")
                                                .asDouble()
                                        + node.path("Rows Removed by Index Recheck")
                                                .asDouble());
                assertThat(read)
                        .as(
                                "%s: %s %s in %s",
                                request, node.path("Node Type"), node.path("Index Name"), statement.sql())
                        // Even all index entries behind the cursor cost less than some rows.
                        .isLessThanOrEqualTo(
                                INDEX_ALONE.contains(node.path("Node Type").asString()) ? USERS / 4 : bound);
            }
        }
    }

    /** The plan for these values, and the generic plan, to which PostgreSQL turns after some executions. */
    private List<JsonNode> plans(Statement statement) {
        return plans(statement, 12);
    }

    /** The type of an argument. Those that are neither IDs nor lists are texts, which the statements cast. */
    private static String type(Object argument) {
        if (argument instanceof UUID) {
            return "uuid";
        }
        String text = argument.toString();
        return !text.startsWith("{") ? "varchar" : text.matches("\\{\"?[0-9a-f-]{36}\\W.*") ? "uuid[]" : "text[]";
    }

    /** The plans of the first execution and of the last one. */
    private List<JsonNode> plans(Statement statement, int executions) {
        AtomicInteger placeholders = new AtomicInteger();
        String sql = Pattern.compile("\\?")
                .matcher(statement.sql())
                .replaceAll(placeholder -> "\\$" + placeholders.incrementAndGet());
        String types = statement.arguments().stream().map(PlansTest::type).collect(Collectors.joining(", "));
        String values = statement.arguments().stream()
                .map(argument -> "'" + argument.toString().replace("'", "''") + "'")
                .collect(Collectors.joining(", "));
        String parameters = types.isEmpty() ? "" : "(" + types + ")";
        String explain = "explain (analyze, format json) execute page" + (types.isEmpty() ? "" : "(" + values + ")");
        return jdbc.execute((ConnectionCallback<List<JsonNode>>) connection -> {
            List<JsonNode> plans = new ArrayList<>();
            try (java.sql.Statement session = connection.createStatement()) {
                session.execute("prepare page " + parameters + " as " + sql);
                for (int execution = 1; execution <= executions; execution++) {
                    var result = session.executeQuery(explain);
                    result.next();
                    plans.add(JsonMapper.shared().readTree(result.getString(1)).at("/0/Plan"));
                }
                session.execute("deallocate page");
            }
            return List.of(plans.getFirst(), plans.getLast());
        });
    }

    /** The plan's nodes that were executed. */
    private static List<JsonNode> nodes(JsonNode plan) {
        List<JsonNode> nodes = new ArrayList<>();
        if (plan.path("Actual Loops").asInt() > 0) {
            nodes.add(plan);
        }
        plan.path("Plans").forEach(child -> nodes.addAll(nodes(child)));
        return nodes;
    }

    private static double rows(JsonNode node) {
        return node.path("Actual Rows").asDouble() * node.path("Actual Loops").asInt();
    }
}
