package dev.userdirectory.contract;

import static org.assertj.core.api.Assertions.assertThat;

import dev.userdirectory.Client;
import dev.userdirectory.Directory;
import dev.userdirectory.DirectoryTest;
import dev.userdirectory.TestPostgres.Statements;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.beans.factory.annotation.Autowired;
import tools.jackson.databind.JsonNode;

/** A request executes one statement per level, regardless of the number of rows, parents and aliases. */
@DirectoryTest
class StatementCountTest {
    @Autowired
    Client client;

    @Autowired
    Directory directory;

    @Autowired
    Statements statements;

    private List<String> users = List.of();
    private List<String> groups = List.of();
    private List<String> everything = List.of();

    /** Creates new objects for each test, so that none of them is cached. */
    @BeforeEach
    void fiftyUsersInTenGroups() {
        everything = new ArrayList<>(directory.createUsers(90));
        users = List.copyOf(everything.subList(40, 90));
        groups = IntStream.range(0, 10)
                .mapToObj(i -> directory.createGroup("Group " + i, users.subList(i, 40 + i)))
                .toList();
        everything.addAll(groups);
        statements.clear();
    }

    @Test
    void readsUsersAndTheirGroupsInTwoStatements() {
        JsonNode data = client.data("{ users(last: 50) { nodes { groups(first: 5) { nodes { name } } } } }");

        assertThat(data.at("/users/nodes")).hasSize(50);
        assertThat(data.findValues("name")).hasSizeGreaterThan(100);
        assertThat(statements.executed()).hasSize(2).noneMatch(sql -> sql.contains("count("));
    }

    @Test
    void readsAliasesOfOneFieldInOneStatement() {
        JsonNode data = client.data("""
                {
                  users(last: 50) {
                    nodes {
                      first: groups(first: 1) { nodes { name } }
                      last: groups(last: 2) { nodes { name } pageInfo { hasPreviousPage } }
                      again: groups(first: 1) { nodes { id } }
                      all: groups(first: 100) { totalCount edges { cursor } }
                    }
                  }
                }""");

        assertThat(data.at("/users/nodes/25/first/nodes")).hasSize(1);
        assertThat(data.at("/users/nodes/25/again/nodes")).hasSize(1);
        assertThat(data.at("/users/nodes/25/last/nodes")).hasSize(2);
        assertThat(data.at("/users/nodes/25/last/pageInfo/hasPreviousPage").asBoolean())
                .isTrue();
        assertThat(data.at("/users/nodes/25/all/totalCount").asInt()).isEqualTo(10);
        assertThat(data.at("/users/nodes/25/all/edges")).hasSize(10);
        assertThat(statements.executed()).hasSize(2);
    }

    @Test
    void readsEveryLevelInOneStatement() {
        JsonNode data = client.data("""
                query ($id: ID!) {
                  user(id: $id) {
                    groups(first: 10) {
                      nodes {
                        members(first: 10) {
                          nodes { groups(first: 10) { nodes { members(last: 1) { nodes { name } } } } }
                        }
                      }
                    }
                  }
                }""", Map.of("id", users.get(20)));

        assertThat(data.at("/user/groups/nodes")).hasSize(10);
        assertThat(data.at("/user/groups/nodes/9/members/nodes")).hasSize(10);
        assertThat(data.findValues("name")).hasSizeGreaterThan(200);
        assertThat(statements.executed()).hasSize(5);
    }

    /** Fields of the same depth are loaded together, whichever fields lead to them. */
    @Test
    void readsOneLevelUnderSeveralParentsInOneStatement() {
        client.data("""
                query ($user: ID!) {
                  one: user(id: $user) { groups { nodes { name } } }
                  other: user(id: $user) { groups(last: 3) { nodes { name } } }
                  node(id: $user) { ... on User { groups { nodes { name } } } }
                  nodes(ids: [$user]) { ... on User { groups { nodes { name } } } }
                }""", Map.of("user", users.get(20)));

        assertThat(statements.executed()).hasSize(2);
    }

    @Test
    void readsOneHundredNodesInOneStatementPerType() {
        JsonNode nodes = client.data(
                        "query ($ids: [ID!]!) { nodes(ids: $ids) { id ... on User { email } ... on Group { description } } }",
                        Map.of("ids", everything))
                .get("nodes");

        assertThat(nodes.findValuesAsString("id")).isEqualTo(everything);
        assertThat(statements.executed()).hasSize(2);
    }

    @Test
    void readsUsersByIdInOneStatement() {
        JsonNode data = client.data(aliases(users, "user(id: \"%s\") { id }"));

        assertThat(data.findValuesAsString("id")).isEqualTo(users);
        assertThat(statements.executed()).hasSize(1);
    }

    @Test
    void readsGroupsByIdInOneStatement() {
        JsonNode data = client.data(aliases(groups, "group(id: \"%s\") { id }"));

        assertThat(data.findValuesAsString("id")).isEqualTo(groups);
        assertThat(statements.executed()).hasSize(1);
    }

    @Test
    void readsUsersByEmailInOneStatement() {
        List<String> emails =
                client.data(aliases(users, "user(id: \"%s\") { email }")).findValuesAsString("email");
        statements.clear();

        JsonNode data = client.data(aliases(emails, "userByEmail(email: \"%s\") { id }"));

        assertThat(data.findValuesAsString("id")).isEqualTo(users);
        assertThat(statements.executed()).hasSize(1);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{ users(first: 3) { nodes { id } } }",
                "{ users(first: 3) { edges { cursor node { name } } pageInfo { hasNextPage hasPreviousPage } } }",
                "{ users(last: 3) { pageInfo { startCursor endCursor } } }",
                "{ users(first: 3, filter: { search: \"user\", active: true }) { nodes { id } } }",
                "{ groups(last: 3) { nodes { id } pageInfo { hasNextPage hasPreviousPage } } }"
            })
    void countsOnlyWhenTotalCountIsSelected(String query) {
        client.data(query);

        assertThat(statements.executed()).hasSize(1).noneMatch(sql -> sql.contains("count("));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{ users(first: 3) { nodes { id } totalCount } }",
                "{ users(first: 0) { totalCount } }",
                "{ groups { ...Count } } fragment Count on GroupConnection { how_many: totalCount }"
            })
    void countsInTheStatementThatReadsThePage(String query) {
        client.data(query);

        assertThat(statements.executed()).singleElement().asString().contains("count(");
    }

    @Test
    void countsMembersOncePerGroupDespiteAliases() {
        String counts = IntStream.range(1, 20)
                .mapToObj(i -> "a%d: members(first: %d) { totalCount nodes { id } }".formatted(i, i))
                .collect(Collectors.joining(" "));
        String document =
                "query ($id: ID!) { user(id: $id) { groups(first: 5) { nodes { last: members(last: 1) { nodes { id } } "
                        + counts + " } } } }";

        JsonNode groups = client.data(document, Map.of("id", users.get(20))).at("/user/groups/nodes");

        assertThat(groups).hasSize(5);
        for (JsonNode group : groups) {
            assertThat(group.at("/last/nodes")).hasSize(1);
            for (int i = 1; i < 20; i++) {
                assertThat(group.at("/a" + i + "/totalCount").asInt()).isEqualTo(40);
                assertThat(group.at("/a" + i + "/nodes")).hasSize(i);
            }
        }
        assertThat(statements.executed()).hasSize(3);
        assertThat(statements.executed().getLast()).containsOnlyOnce("count(");
    }

    @Test
    void countsListOncePerOperationDespiteAliases() {
        JsonNode data = client.data("""
                {
                  a: users(first: 1, filter: { search: "user 1" }) { totalCount nodes { id } }
                  b: users(first: 2, filter: { search: "user 1" }) { totalCount nodes { id } }
                  c: users(first: 0, filter: { search: "user 1" }) { totalCount nodes { id } }
                  d: users(first: 0, filter: { search: "user 2" }) { totalCount }
                }""");

        assertThat(data.at("/a/totalCount").asInt()).isPositive();
        assertThat(data.at("/b/totalCount")).isEqualTo(data.at("/a/totalCount"));
        assertThat(data.at("/c/totalCount")).isEqualTo(data.at("/a/totalCount"));
        assertThat(data.at("/a/nodes")).hasSize(1);
        assertThat(data.at("/b/nodes")).hasSize(2);
        assertThat(data.at("/c/nodes")).isEmpty();
        assertThat(statements.executed().stream().filter(sql -> sql.contains("count(")))
                .hasSize(2);
    }

    @Test
    void readsNoRowsWhenOnlyTotalCountIsSelected() {
        client.data("{ users(first: 0, filter: { search: \"user\" }) { totalCount } }");

        assertThat(statements.executed())
                .singleElement()
                .asString()
                .contains("limit 0")
                .doesNotContain("near");
    }

    private static String aliases(List<String> values, String field) {
        return IntStream.range(0, values.size())
                .mapToObj(i -> "_" + i + ": " + field.formatted(values.get(i)))
                .collect(Collectors.joining(" ", "{ ", " }"));
    }
}
