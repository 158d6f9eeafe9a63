package dev.userdirectory.contract;

import static org.assertj.core.api.Assertions.assertThat;

import dev.userdirectory.Client;
import dev.userdirectory.Directory;
import dev.userdirectory.DirectoryTest;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.beans.factory.annotation.Autowired;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The service keeps every {@link Contract} with a consumer. */
@DirectoryTest
class ConsumersTest {
    @Autowired
    Client client;

    @Autowired
    Directory directory;

    @TestFactory
    Stream<DynamicTest> serviceKeepsEveryContract() {
        Map<String, String> examples = examples();
        String served = client.data("{ _service { sdl } }").at("/_service/sdl").asString();
        return Contract.all().stream()
                .map(contract -> DynamicTest.dynamicTest(contract.toString(), () -> {
                    assertThat(contract.brokenBy(served)).isEmpty();
                    assertThat(contract.differences(execute(contract, examples)))
                            .isEmpty();
                }));
    }

    @Test
    void contractsIncludeSimpleClientAndRelayClient() {
        assertThat(Contract.all())
                .extracting(Contract::consumer)
                .contains("simple-client", "relay-client")
                .hasSizeGreaterThanOrEqualTo(7);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            hasNextPage: Boolean!      |                            | relay-client, UserListQuery: | 'hasNextPage'
            email: String!             | email: String              | relay-client, UserListQuery: users.edges[].node.email may be null |
            email: String!             | email: String              | simple-client, Users: users.nodes[].email may be null |
            version: Int!              | version: String!           | relay-client, UserListPaginationQuery: users.edges[].node.version is of type String |
            userByEmail(email:         | userByEmail(address:       | simple-client, User: | 'email'
            totalCount: Int!           | count: Int!                | simple-client, Users: | 'totalCount'
            type Group implements Node | type Group                 | |
            """)
    void breakingChangeNamesItsConsumers(String before, String after, String who, String what) throws IOException {
        String schema = SchemaTest.withoutDescriptions();
        assertThat(schema).contains(before);
        String changed = schema.replace(before, after == null ? "" : after);

        List<String> broken = Contract.all().stream()
                .flatMap(contract -> contract.brokenBy(changed).stream())
                .toList();

        if (who == null) {
            assertThat(broken).isEmpty();
        } else {
            assertThat(broken).anyMatch(line -> line.startsWith(who) && line.contains(what == null ? "" : what));
        }
    }

    @Test
    void differingResponseNamesItsConsumer() {
        Contract users = Contract.all().stream()
                .filter(contract -> contract.operation().equals("Users"))
                .findFirst()
                .orElseThrow();

        assertThat(users.differences(JsonMapper.shared().readTree("""
                        {"data": {"users": {"nodes": [{"id": "x", "name": null, "email": "x", "createdAt": 5}],
                         "pageInfo": {"hasNextPage": false, "endCursor": null}, "totalCount": "1"}}}""")))
                .containsExactly(
                        "simple-client, Users: data.users.nodes[].name should be like \"String\", not null",
                        "simple-client, Users: data.users.nodes[].createdAt should be like \"DateTime\", not 5",
                        "simple-client, Users: data.users.totalCount should be like \"Int\", not \"1\"");
    }

    private JsonNode execute(Contract contract, Map<String, String> examples) {
        String variables = contract.variables().toString();
        for (Map.Entry<String, String> example : examples.entrySet()) {
            variables = variables.replace("${" + example.getKey() + "}", example.getValue());
        }
        assertThat(variables).doesNotContain("${");
        return client.as(contract.scopes())
                .execute(contract.document(), JsonMapper.shared().readValue(variables, Map.class));
    }

    /** Example values for the variables: three users that a search finds, the group with these members, and so on. */
    private Map<String, String> examples() {
        String search = UUID.randomUUID().toString();
        JsonNode users = client.data(
                        "mutation ($users: [NewUser!]!) { createUsers(users: $users) { users { id email } } }",
                        Map.of(
                                "users",
                                IntStream.range(0, 3)
                                        .mapToObj(i -> Map.of("name", search + i, "email", Directory.newEmail()))
                                        .toList()))
                .at("/createUsers/users");
        String group = directory.createGroup(
                search,
                users.values().stream().map(user -> user.get("id").asString()).toList());
        String cursor = client.data(
                        "query ($search: String) { users(first: 1, filter: {search: $search}, orderBy: {field: NAME}) {"
                                + " pageInfo { endCursor } } }",
                        Map.of("search", search))
                .at("/users/pageInfo/endCursor")
                .asString();
        return Map.of(
                "search",
                search,
                "userId",
                users.at("/0/id").asString(),
                "userEmail",
                users.at("/0/email").asString(),
                "groupId",
                group,
                "cursor",
                cursor,
                "newEmail",
                Directory.newEmail());
    }
}
