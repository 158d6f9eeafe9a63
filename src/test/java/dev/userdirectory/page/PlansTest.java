package dev.userdirectory.page;

import static org.assertj.core.api.Assertions.assertThat;

import dev.userdirectory.Client;
import dev.userdirectory.Directory;
import dev.userdirectory.DirectoryTest;
import dev.userdirectory.TestPostgres.Statement;
import dev.userdirectory.TestPostgres.Statements;
import dev.userdirectory.group.Group;
import dev.userdirectory.relay.GlobalId;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
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
        String million = new ClassPathResource("db/sample/million.sql").getContentAsString(StandardCharsets.UTF_8);
        withoutEventsOfMembers(million.replace("1000000", Integer.toString(USERS)));
        assertThat(jdbc.queryForObject("select count(*) from users where email ~ '[0-9]@example'", Integer.class))
                .isEqualTo(USERS);
        jdbc.execute("vacuum users, groups, group_members");
    }

    @AfterAll
    void unload() {
        withoutEventsOfMembers("delete from groups; delete from users");
    }

    /** The tests share a log of events, which would become large. */
    private void withoutEventsOfMembers(String sql) {
        jdbc.execute("alter table group_members disable trigger user");
        jdbc.execute(sql);
        jdbc.execute("alter table group_members enable trigger user");
    }

    @ParameterizedTest
    @CsvSource({"CREATED_AT,ASC", "CREATED_AT,DESC", "NAME,ASC", "NAME,DESC", "EMAIL,ASC", "EMAIL,DESC"})
    void seeksPagesOfUsersInAnIndex(String field, String direction) {
        Map<String, ?> orderBy = Map.of("field", field, "direction", direction);
        String email = jdbc.queryForObject(
                "select email from users order by created_at offset ? limit 1", String.class, USERS * 9 / 10);
        String cursor = client.data(
                        USERS_PAGE, Map.of("orderBy", orderBy, "filter", Map.of("search", email), "first", 1))
                .at("/users/pageInfo/endCursor")
                .asString();

        for (Map<String, Object> page : pages(cursor)) {
            page.put("orderBy", orderBy);
            statements.clear();
            assertThat(client.data(USERS_PAGE, page).at("/users/nodes")).hasSize(SIZE);
            assertSeeks(statements.last());
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
                // Each user has at most five groups, and both tables are read for each of these.
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
                    .contains("user_events_pkey");
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

    /** The plan for these values, and the generic plan, to which PostgreSQL turns after some executions. */
    private List<JsonNode> plans(Statement statement) {
        AtomicInteger placeholders = new AtomicInteger();
        String sql = Pattern.compile("\\?")
                .matcher(statement.sql())
                .replaceAll(placeholder -> "\\$" + placeholders.incrementAndGet());
        String types = statement.arguments().stream()
                .map(argument -> argument.toString().startsWith("{") ? "uuid[]" : "varchar")
                .collect(Collectors.joining(", "));
        String values = statement.arguments().stream()
                .map(argument -> "'" + argument.toString().replace("'", "''") + "'")
                .collect(Collectors.joining(", "));
        String parameters = types.isEmpty() ? "" : "(" + types + ")";
        String explain = "explain (analyze, format json) execute page" + (types.isEmpty() ? "" : "(" + values + ")");
        return jdbc.execute((ConnectionCallback<List<JsonNode>>) connection -> {
            List<JsonNode> plans = new ArrayList<>();
            try (java.sql.Statement session = connection.createStatement()) {
                session.execute("prepare page " + parameters + " as " + sql);
                for (int execution = 1; execution <= 12; execution++) {
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
