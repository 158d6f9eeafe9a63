package dev.userdirectory.user;

import static org.assertj.core.api.Assertions.assertThat;

import dev.userdirectory.Client;
import dev.userdirectory.Directory;
import dev.userdirectory.DirectoryTest;
import dev.userdirectory.TestPostgres.Statements;
import java.net.IDN;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.jdbc.core.JdbcTemplate;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The filters and orders of {@code users} and {@code Group.members}, on users whose domain is new for each test. */
@DirectoryTest
class UserListsTest {
    private static final String USERS = """
            query ($filter: UserFilter, $orderBy: UserOrder! = { field: CREATED_AT }, $first: Int = 100, $after: String) {
              users(filter: $filter, orderBy: $orderBy, first: $first, after: $after) {
                nodes { id }
                totalCount
              }
            }""";
    private static final String MEMBERS = """
            query ($id: ID!, $filter: UserFilter, $orderBy: UserOrder, $first: Int = 100, $after: String) {
              group(id: $id) {
                members(filter: $filter, orderBy: $orderBy, first: $first, after: $after) {
                  nodes { id }
                  totalCount
                  pageInfo { endCursor }
                }
              }
            }""";
    /** Without a total, which needs another statement. */
    private static final String IDS =
            "query ($filter: UserFilter) { users(filter: $filter, first: 100) { nodes { id } } }";

    private final String domain = "d" + UUID.randomUUID() + ".example";

    @Autowired
    Client client;

    @Autowired
    Directory directory;

    @Autowired
    JdbcTemplate jdbc;

    @Autowired
    Statements statements;

    private String anna = "";
    private String berta = "";
    private String clara = "";
    private String dora = "";

    /** Anna was created first and changed last. */
    @BeforeEach
    void fourUsers() {
        anna = create("Anna", "anna@" + domain);
        berta = create("berta", "berta@" + domain);
        clara = create("Clara", "clara@" + domain);
        dora = create("dora", "dora@" + domain);
        client.data(
                "mutation ($id: ID!) { updateUser(id: $id, active: false) { errors { code } } }", Map.of("id", anna));
        statements.clear();
    }

    @Test
    void listsUsersCreatedInARange() {
        String second = stored("created_at", "berta").toString();
        String fourth = stored("created_at", "dora").toString();

        for (String field : List.of("CREATED_AT", "UPDATED_AT", "EMAIL")) {
            assertThat(found(Map.of("createdAt", Map.of("from", second)), field))
                    .as(field)
                    .contains(berta, clara, dora);
            assertThat(found(Map.of("createdAt", Map.of("from", second, "before", fourth)), field))
                    .as(field)
                    .containsExactlyInAnyOrder(berta, clara);
            assertThat(found(Map.of("createdAt", Map.of("before", second), "emailDomain", domain), field))
                    .as(field)
                    .containsExactly(anna);
            assertThat(found(Map.of("createdAt", Map.of("from", second, "before", second)), field))
                    .as(field)
                    .isEmpty();
        }
        assertThat(found(Map.of("createdAt", Map.of(), "emailDomain", domain), "EMAIL"))
                .hasSize(4);
    }

    @Test
    void listsUsersByTheirLastChange() {
        String changed = stored("updated_at", "anna").toString();

        assertThat(found(Map.of("updatedAt", Map.of("from", changed), "emailDomain", domain), "NAME"))
                .containsExactly(anna);
        assertThat(found(Map.of("updatedAt", Map.of("before", changed), "emailDomain", domain), "UPDATED_AT"))
                .containsExactly(berta, clara, dora);
        assertThat(found(Map.of("emailDomain", domain), "UPDATED_AT")).containsExactly(berta, clara, dora, anna);
    }

    /** PostgreSQL would round a bound to the nearest microsecond. */
    @Test
    void boundsMayBeMorePreciseThanStoredTimes() {
        Instant created = stored("created_at", "berta");
        Map<String, Object> filter = new HashMap<>(Map.of("emails", List.of("berta@" + domain)));

        filter.put("createdAt", Map.of("from", created.plusNanos(1).toString()));
        assertThat(found(filter, "NAME")).isEmpty();
        filter.put("createdAt", Map.of("before", created.plusNanos(1).toString()));
        assertThat(found(filter, "NAME")).containsExactly(berta);
        filter.put("createdAt", Map.of("from", created.minusNanos(1).toString()));
        assertThat(found(filter, "NAME")).containsExactly(berta);
    }

    @ParameterizedTest
    @CsvSource({"0000-01-01T00:00:00Z,9999-12-31T23:59:59Z,1", "9999-12-31T23:59:59.999999999Z,,0"})
    void acceptsEveryTime(String from, String before, int users) {
        Map<String, Object> range = new HashMap<>();
        range.put("from", from);
        range.put("before", before);
        for (String field : List.of("NAME", "CREATED_AT")) {
            assertThat(found(Map.of("emails", List.of("berta@" + domain), "createdAt", range), field))
                    .hasSize(users);
        }
    }

    /** PostgreSQL would take milliseconds for each. */
    @Test
    void looksUpNoDomainThatIsTooLong() {
        String domain = "ﷺ".repeat(250);
        statements.clear();

        assertThat(found(Map.of("emailDomain", domain), "NAME")).isEmpty();
        assertThat(found(Map.of("emails", List.of("a@" + domain)), "NAME")).isEmpty();
        assertThat(client.data(
                                "query ($email: String!) { userByEmail(email: $email) { id } }",
                                Map.of("email", "a@" + domain))
                        .get("userByEmail")
                        .isNull())
                .isTrue();
        assertThat(statements.executed()).noneMatch(sql -> sql.contains("email_domain_key"));
    }

    @Test
    void listsManyUsersByAddressInOneStatement() {
        List<String> users = directory.createUsers(96);
        List<String> emails = new ArrayList<>(
                client.data("query ($ids: [ID!]!) { nodes(ids: $ids) { ... on User { email } } }", Map.of("ids", users))
                        .findValuesAsString("email"));
        emails.addAll(List.of("ANNA@" + domain, "Anna@" + domain, "nobody@" + domain, "\"{},\\\"'\"@" + domain));
        statements.clear();

        JsonNode found = client.data(IDS, Map.of("filter", Map.of("emails", emails)));

        assertThat(found.findValuesAsString("id")).hasSize(97).contains(anna).containsAll(users);
        assertThat(statements.executed()).hasSize(1);
        assertThat(found(Map.of("emails", List.of()), "NAME")).isEmpty();
    }

    /** Otherwise, a page behind a cursor would take longer than the first one. */
    @Test
    void looksUpAddressesOnceForThePageAndWhatIsAroundIt() {
        List<String> emails = List.of("anna@" + domain, "berta@" + domain, "clara@" + domain);
        String query = """
                query ($emails: [String!], $after: String) {
                  users(filter: { emails: $emails }, orderBy: { field: NAME }, first: 1, after: $after) {
                    totalCount nodes { id } pageInfo { endCursor hasNextPage hasPreviousPage }
                  }
                }""";
        String cursor = client.data(query, Map.of("emails", emails))
                .at("/users/pageInfo/endCursor")
                .asString();
        statements.clear();

        JsonNode page =
                client.data(query, Map.of("emails", emails, "after", cursor)).get("users");

        assertThat(page.findValuesAsString("id")).containsExactly(berta);
        assertThat(page.get("totalCount").asInt()).isEqualTo(3);
        assertThat(page.at("/pageInfo/hasNextPage").asBoolean()).isTrue();
        assertThat(page.at("/pageInfo/hasPreviousPage").asBoolean()).isTrue();
        assertThat(statements.executed()).singleElement().asString().containsOnlyOnce("unnest(?::text[])");
    }

    @Test
    void listsUsersWhoseAddressReadsAlike() {
        String user = create("Greek", "σοφός@bücher-" + domain);

        assertThat(found(Map.of("emails", List.of("ΣΟΦΌΣ@BÜCHER-" + domain)), "NAME"))
                .containsExactly(user);
        assertThat(found(Map.of("emailDomain", "BÜCHER-" + domain), "NAME")).containsExactly(user);
        assertThat(found(Map.of("emailDomain", IDN.toASCII("bücher-" + domain)), "NAME"))
                .containsExactly(user);
    }

    @Test
    void listsUsersOfOneDomainAlone() {
        create("Sub", "anna@sub." + domain);

        assertThat(found(Map.of("emailDomain", domain.toUpperCase(Locale.ROOT)), "NAME"))
                .containsExactly(anna, berta, clara, dora);
        assertThat(found(Map.of("emailDomain", domain.substring(1)), "NAME")).isEmpty();
        assertThat(found(Map.of("emailDomain", ""), "NAME")).isEmpty();
    }

    @Test
    void listsUsersByTheirGroups() {
        String one = directory.createGroup("One", List.of(anna, berta));
        String two = directory.createGroup("Two", List.of(berta, clara));
        String empty = directory.createGroup("Empty", List.of());

        assertThat(ofDomain("inAnyGroup", List.of(one, two, one))).containsExactly(anna, berta, clara);
        assertThat(ofDomain("inAnyGroup", List.of(empty))).isEmpty();
        assertThat(ofDomain("inAnyGroup", List.of())).isEmpty();
        assertThat(ofDomain("inAllGroups", List.of(one, two, one))).containsExactly(berta);
        assertThat(ofDomain("inAllGroups", List.of(one, empty))).isEmpty();
        assertThat(ofDomain("inAllGroups", List.of())).hasSize(4);
        assertThat(ofDomain("inNoneOfGroups", List.of(one, empty))).containsExactly(clara, dora);
        assertThat(ofDomain("inNoneOfGroups", List.of())).hasSize(4);
        assertThat(ofDomain("inNoGroup", true)).containsExactly(dora);
        assertThat(ofDomain("inNoGroup", false)).containsExactly(anna, berta, clara);
        assertThat(ofDomain("inAnyGroup", List.of(anna)))
                .as("an ID of another type")
                .isEmpty();
    }

    @Test
    void aUserMeetsEveryCondition() {
        String one = directory.createGroup("One", List.of(anna, berta, clara));
        String two = directory.createGroup("Two", List.of(berta));

        assertThat(found(
                        Map.of(
                                "search",
                                "a",
                                "active",
                                true,
                                "groupId",
                                one,
                                "emailDomain",
                                domain,
                                "inAllGroups",
                                List.of(one),
                                "inNoneOfGroups",
                                List.of(two),
                                "inNoGroup",
                                false),
                        "NAME"))
                .containsExactly(clara);
    }

    /** Twenty joins would take PostgreSQL long to plan if it tried every order. */
    @Test
    void listsMembersOfTwentyGroups() {
        List<String> groups = IntStream.range(0, 20)
                .mapToObj(i -> directory.createGroup("Group " + i, List.of(anna, berta)))
                .toList();
        long start = System.nanoTime();

        assertThat(found(Map.of("inAllGroups", groups), "NAME")).containsExactly(anna, berta);
        assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(5));
        assertThat(found(Map.of("inAnyGroup", groups), "NAME")).containsExactly(anna, berta);
    }

    /** All are created without a group. */
    @Test
    void aUserWhoLeavesTheLastGroupIsInNoGroup() {
        assertThat(ofDomain("inNoGroup", true)).containsExactly(anna, berta, clara, dora);

        String one = directory.createGroup("One", List.of(anna, berta, clara));
        String two = directory.createGroup("Two", List.of(berta));
        assertThat(ofDomain("inNoGroup", true)).containsExactly(dora);

        leave(one, List.of(anna, berta));
        assertThat(ofDomain("inNoGroup", true)).containsExactly(anna, dora);

        client.data("mutation ($id: ID!) { deleteGroup(id: $id) { errors { code } } }", Map.of("id", two));
        assertThat(ofDomain("inNoGroup", true)).containsExactly(anna, berta, dora);

        client.data("mutation ($id: ID!) { deleteUser(id: $id) { errors { code } } }", Map.of("id", dora));
        client.data("mutation ($id: ID!) { deleteUser(id: $id) { errors { code } } }", Map.of("id", clara));
        assertThat(ofDomain("inNoGroup", true)).containsExactly(anna, berta);
    }

    @Test
    void sortsMembersAsUsersAreSorted() {
        String group = directory.createGroup("Sorted", List.of(dora));
        join(group, List.of(anna, clara));
        join(group, List.of(berta));

        assertThat(members(group, Map.of(), null))
                .startsWith(dora)
                .endsWith(berta)
                .hasSize(4);
        assertThat(members(group, Map.of(), Map.of("field", "NAME"))).containsExactly(anna, berta, clara, dora);
        assertThat(members(group, Map.of(), Map.of("field", "EMAIL", "direction", "DESC")))
                .containsExactly(dora, clara, berta, anna);
        assertThat(members(group, Map.of(), Map.of("field", "UPDATED_AT"))).containsExactly(berta, clara, dora, anna);
        assertThat(members(group, Map.of("active", true, "search", "r"), Map.of("field", "CREATED_AT")))
                .containsExactly(berta, clara, dora);
        assertThat(members(group, Map.of("emails", List.of("berta@" + domain, "dora@" + domain)), null))
                .containsExactly(dora, berta);
        assertThat(members(group, Map.of("inNoGroup", true), null)).isEmpty();
    }

    @Test
    void cursorsOfMembersBelongToTheirOrder() {
        String group = directory.createGroup("Cursors", List.of(anna, berta, clara));
        String joined = cursor(group, null);
        String named = cursor(group, Map.of("field", "NAME"));

        assertThat(members(group, Map.of("first", 1), joined, null)).hasSize(1);
        assertThat(members(group, Map.of("first", 1), named, Map.of("field", "NAME")))
                .containsExactly(berta);
        for (List<String> wrong : List.of(List.of(joined, "NAME"), List.of(named, "EMAIL"))) {
            JsonNode error = client.error(
                    MEMBERS,
                    Map.of("id", group, "after", wrong.getFirst(), "orderBy", Map.of("field", wrong.getLast())));
            assertThat(error.at("/extensions/argument").asString()).isEqualTo("after");
        }
        String ofUsers = client.data("{ users(first: 1, orderBy: { field: NAME }) { pageInfo { endCursor } } }")
                .findValuesAsString("endCursor")
                .getFirst();
        assertThat(client.error(MEMBERS, Map.of("id", group, "after", ofUsers, "orderBy", Map.of("field", "NAME")))
                        .at("/extensions/argument")
                        .asString())
                .isEqualTo("after");
    }

    @Test
    void readsSortedMembersOfManyGroupsInOneStatement() {
        List<String> groups = IntStream.range(0, 4)
                .mapToObj(i -> directory.createGroup("Many " + i, List.of(anna, berta, clara)))
                .toList();
        statements.clear();

        JsonNode data = client.data("""
                query ($id: ID!, $filter: UserFilter!) {
                  user(id: $id) {
                    groups(first: 4) {
                      nodes {
                        a: members(orderBy: { field: NAME }, first: 2) { nodes { id } totalCount }
                        b: members(orderBy: { field: NAME }, last: 2) { nodes { id } totalCount pageInfo { hasPreviousPage } }
                        c: members(filter: $filter) { nodes { id } totalCount }
                      }
                    }
                  }
                }""", Map.of("id", anna, "filter", Map.of("active", true, "emailDomain", domain)));

        assertThat(data.at("/user/groups/nodes")).hasSameSizeAs(groups).allSatisfy(group -> {
            assertThat(group.get("a").findValuesAsString("id")).containsExactly(anna, berta);
            assertThat(group.get("b").findValuesAsString("id")).containsExactly(berta, clara);
            assertThat(group.at("/b/pageInfo/hasPreviousPage").asBoolean()).isTrue();
            assertThat(group.findValues("totalCount").stream().map(JsonNode::asInt))
                    .containsExactly(3, 3, 2);
            assertThat(group.get("c").findValuesAsString("id")).containsExactlyInAnyOrder(berta, clara);
        });
        assertThat(statements.executed())
                .as("the user, the groups, the key of the domain, sorted members, filtered members")
                .hasSize(5);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            { "emails": 101 }                   | filter.emails           | has at most 100 addresses, not 101.
            { "inAnyGroup": 21 }                | filter.inAnyGroup       | has at most 20 groups, not 21.
            { "inAllGroups": 21 }               | filter.inAllGroups      | has at most 20 groups, not 21.
            { "inNoneOfGroups": 21 }            | filter.inNoneOfGroups   | has at most 20 groups, not 21.
            { "emails": ["a", "\\u0000"] }      | filter.emails.1         | must not contain control characters.
            { "inAnyGroup": ["x"] }             | filter.inAnyGroup.0     | is not an ID of this service.
            { "inAllGroups": ["x"] }            | filter.inAllGroups.0    | is not an ID of this service.
            { "inNoneOfGroups": ["x"] }         | filter.inNoneOfGroups.0 | is not an ID of this service.
            { "emailDomain": "@example.com" }   | filter.emailDomain      | is what follows the `@`, without it.
            { "emailDomain": "x＠example.com" } | filter.emailDomain      | is what follows the `@`, without it.
            { "emailDomain": "x﹫example.com" } | filter.emailDomain      | is what follows the `@`, without it.
            { "emailDomain": 255 }              | filter.emailDomain      | has at most 254 characters, not 255.
            { "createdAt": { "from": "2026" } } |                         |
            { "createdAt": { "from": "+294277-01-01T00:00:00Z" } } |      |
            { "updatedAt": { "before": "-0001-12-31T00:00:00Z" } } |      |
            """)
    void rejectsFilterThatCannotBeServed(String json, String argument, String problem) {
        Map<String, Object> filter = new HashMap<>();
        JsonMapper.shared().readTree(json).properties().forEach(field -> {
            Object value = field.getValue();
            if (field.getValue().isInt()) {
                int size = field.getValue().asInt();
                value = field.getKey().equals("emailDomain") ? "a".repeat(size) : Collections.nCopies(size, anna);
            }
            filter.put(field.getKey(), value);
        });
        String group = directory.createGroup("Refusing", List.of());
        for (String document : List.of(
                "query ($filter: UserFilter) { users(filter: $filter) { nodes { id } } }",
                "query ($filter: UserFilter, $id: ID!) { group(id: $id) { members(filter: $filter) { nodes { id } } } }")) {
            statements.clear();
            JsonNode error = client.error(document, Map.of("filter", filter, "id", group));

            assertThat(error.at("/extensions/code").asString()).isEqualTo("BAD_USER_INPUT");
            if (argument != null) {
                assertThat(error.at("/extensions/argument").asString()).isEqualTo(argument);
                assertThat(error.get("message").asString()).endsWith("`" + argument + "` " + problem);
            }
            assertThat(statements.executed()).noneMatch(sql -> sql.contains("u.id"));
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            users(filter: { createdAt: { from: "2026-01-01T00:00:00Z", before: "2027-01-01T00:00:00Z" } }) | 522
            users(filter: { updatedAt: {} })                                                             | 522
            users(filter: { emails: ["a", "b"] })                                                        | 46
            users(filter: { emailDomain: "a" })                                                          | 522
            users(filter: { inNoGroup: true })                                                           | 522
            users(filter: { inAnyGroup: ["GROUP", "GROUP"] })                                            | 772
            users(filter: { inAllGroups: ["GROUP"] })                                                    | 522
            users(filter: { inNoneOfGroups: ["GROUP"] })                                                 | 522
            users(orderBy: { field: UPDATED_AT })                                                        | 22
            """)
    void filtersHaveTheirCosts(String field, int cost) {
        String group = directory.createGroup("Cost", List.of());

        assertThat(cost("{ " + field.replace("GROUP", group) + " { nodes { id } } }"))
                .isEqualTo(cost);
    }

    @Test
    void sortedMembersCostMore() {
        String members =
                "{ group(id: \"" + directory.createGroup("Cost", List.of()) + "\") { members%s { nodes { id } } } }";

        assertThat(cost(members.formatted(""))).isEqualTo(22);
        assertThat(cost(members.formatted("(orderBy: { field: NAME })"))).isEqualTo(522);
        assertThat(cost(members.formatted("(filter: { active: true })"))).isEqualTo(523);
    }

    @ParameterizedTest
    @ValueSource(strings = {"members(orderBy: { field: NAME })", "members(filter: { active: true })"})
    void sortedAndFilteredMembersRequireTheScopeToRead(String members) {
        JsonNode response = client.as("users:write")
                .execute(
                        "mutation { createGroup(name: \"Scopes\") { group { " + members + " { nodes { id } } } } }",
                        Map.of());

        assertThat(response.at("/errors/0/extensions/code").asString()).isEqualTo("FORBIDDEN");
    }

    /** With its microseconds, which responses do not show. */
    private Instant stored(String column, String local) {
        return Objects.requireNonNull(jdbc.queryForObject(
                        "select " + column + " from users where email = ?", OffsetDateTime.class, local + "@" + domain))
                .toInstant();
    }

    private int cost(String document) {
        String body = JsonMapper.shared().writeValueAsString(Map.of("query", document));
        String response = client.send(HttpRequest.newBuilder(client.uri("/graphql"))
                        .header("Content-Type", "application/json")
                        .header("GraphQL-Cost", "report")
                        .POST(BodyPublishers.ofString(body))
                        .build())
                .body();
        return JsonMapper.shared()
                .readTree(response)
                .at("/extensions/cost/requested")
                .asInt();
    }

    private String create(String name, String email) {
        return client.data(
                        "mutation ($name: String!, $email: String!) { createUser(name: $name, email: $email) { user { id } } }",
                        Map.of("name", name, "email", email))
                .at("/createUser/user/id")
                .asString();
    }

    private void join(String group, List<String> users) {
        client.data(
                "mutation ($id: ID!, $users: [ID!]!) { addGroupMembers(groupId: $id, userIds: $users) { errors { code } } }",
                Map.of("id", group, "users", users));
    }

    private void leave(String group, List<String> users) {
        client.data(
                "mutation ($id: ID!, $users: [ID!]!) { removeGroupMembers(groupId: $id, userIds: $users) { errors { code } } }",
                Map.of("id", group, "users", users));
    }

    private List<String> ofDomain(String condition, Object value) {
        return found(Map.of("emailDomain", domain, condition, value), "NAME");
    }

    private List<String> found(Map<String, ?> filter, String field) {
        JsonNode users = client.data(USERS, Map.of("filter", filter, "orderBy", Map.of("field", field)))
                .get("users");
        List<String> ids = users.get("nodes").findValuesAsString("id");
        if (ids.size() < 100) {
            assertThat(users.get("totalCount").asInt()).isEqualTo(ids.size());
        }
        return ids;
    }

    private List<String> members(String group, Map<String, ?> filter, @Nullable Map<String, ?> orderBy) {
        Map<String, Object> variables = new HashMap<>(Map.of("id", group, "filter", filter));
        variables.put("orderBy", orderBy);
        return client.data(MEMBERS, variables).at("/group/members/nodes").findValuesAsString("id");
    }

    private List<String> members(String group, Map<String, ?> page, String after, @Nullable Map<String, ?> orderBy) {
        Map<String, Object> variables = new HashMap<>(Map.of("id", group, "after", after));
        variables.putAll(page);
        variables.put("orderBy", orderBy);
        return client.data(MEMBERS, variables).at("/group/members/nodes").findValuesAsString("id");
    }

    private String cursor(String group, @Nullable Map<String, ?> orderBy) {
        Map<String, Object> variables = new HashMap<>(Map.of("id", group, "first", 1));
        variables.put("orderBy", orderBy);
        return client.data(MEMBERS, variables)
                .at("/group/members/pageInfo/endCursor")
                .asString();
    }
}
