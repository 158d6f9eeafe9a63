package dev.userdirectory.contract;

import dev.userdirectory.Tokens;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * An operation for which the specifications prescribe one response, on every transport.
 *
 * @param result the code of the only error, or OK
 * @param data the response's data, null if it has none, or {@code *} for any data
 */
public record SpecificationCase(
        String document,
        @Nullable String variables,
        @Nullable String operationName,
        String result,
        String data) {
    private static final JsonMapper JSON = JsonMapper.shared();

    /** Columns: document, variables, result, data. */
    private static final String TABLE = """
            # A variable that is null where null is not allowed is an error of the field (GraphQL 6.4.1).
            query ($s: Boolean = true) { __typename @include(if: $s) }                        | {"s": null}  | BAD_USER_INPUT | null
            query ($s: Boolean = true) { __typename @skip(if: $s) }                           | {"s": null}  | BAD_USER_INPUT | null
            query ($s: Boolean = true) { ... @include(if: $s) { __typename } }                | {"s": null}  | BAD_USER_INPUT | null
            query ($s: Boolean = true) { ...F @skip(if: $s) } fragment F on Query { __typename } | {"s": null} | BAD_USER_INPUT | null
            query ($s: Boolean = true) { ...F } fragment F on Query { __typename @include(if: $s) } | {"s": null} | BAD_USER_INPUT | null
            query ($s: Boolean = true) { users(first: 1) { nodes { id @include(if: $s) } } }  | {"s": null}  | BAD_USER_INPUT | null
            query ($s: Boolean = true) { users(first: 1) { pageInfo { hasNextPage @skip(if: $s) } } } | {"s": null} | BAD_USER_INPUT | null
            query ($s: Boolean = true) { __schema { queryType { name @skip(if: $s) } } }      | {"s": null}  | BAD_USER_INPUT | null
            mutation ($s: Boolean = true) { createUser(name: "x", email: "x") { user { id @skip(if: $s) } } } | {"s": null} | BAD_USER_INPUT | null
            query ($s: ID = "x") { user(id: $s) { id } }                                      | {"s": null}  | BAD_USER_INPUT | null
            query ($s: ID = "x") { node(id: $s) { id } }                                      | {"s": null}  | BAD_USER_INPUT | null
            query ($s: ID = "x") { nodes(ids: [$s]) { id } }                                  | {"s": null}  | BAD_USER_INPUT | null
            query ($s: ID = "x") { nodes(ids: ["y", $s]) { id } }                             | {"s": null}  | BAD_USER_INPUT | null
            query ($s: [ID!] = ["x"]) { nodes(ids: $s) { id } }                               | {"s": null}  | BAD_USER_INPUT | null
            query ($s: String = "x") { userByEmail(email: $s) { id } }                        | {"s": null}  | BAD_USER_INPUT | null
            query ($s: String = "x") { __type(name: $s) { name } }                            | {"s": null}  | BAD_USER_INPUT | null
            query ($s: Int = 1) { userEvents(first: $s) { edges { cursor } } }                | {"s": null}  | BAD_USER_INPUT | null
            query ($s: UserOrderField = NAME) { users(orderBy: {field: $s}) { totalCount } }  | {"s": null}  | BAD_USER_INPUT | null
            query ($s: OrderDirection) { users(orderBy: {field: NAME, direction: $s}) { totalCount } } | {"s": null} | BAD_USER_INPUT | null
            query ($o: UserOrder) { users(orderBy: $o) { totalCount } }                       | {"o": null}  | BAD_USER_INPUT | null
            mutation ($s: String = "x") { createUser(name: $s, email: "x") { user { id } } }  | {"s": null}  | BAD_USER_INPUT | null
            mutation ($s: String = "x") { createUsers(users: [{name: $s, email: "x"}]) { users { id } } } | {"s": null} | BAD_USER_INPUT | null
            mutation ($s: NewUser = {name: "x", email: "x"}) { createUsers(users: [$s]) { users { id } } } | {"s": null} | BAD_USER_INPUT | null
            # Such a null is no error where the field is skipped or null is allowed.
            query ($s: ID = "x") { __typename user(id: $s) @skip(if: true) { id } }           | {"s": null}  | OK | {"__typename": "Query"}
            query ($s: Int = 1) { users(first: $s, filter: {search: "nobody is called this"}) { nodes { id } } } | {"s": null} | OK | {"users": {"nodes": []}}
            query ($s: String = "x") { groups(search: $s, first: 0) { nodes { id } } }        | {"s": null}  | OK | {"groups": {"nodes": []}}
            query ($s: UserOrder) { users(orderBy: $s, first: 0) { nodes { id } } }           |              | OK | {"users": {"nodes": []}}
            query ($s: Boolean = true) { __typename @include(if: $s) }                        |              | OK | {"__typename": "Query"}
            query ($s: Boolean!) { __typename @include(if: $s) }                              | {"s": null}  | BAD_USER_INPUT | absent
            # A null that the schema allows.
            { __type(name: "Node") { fields(includeDeprecated: null) { name } } }             |              | OK | {"__type": {"fields": [{"name": "id"}]}}
            query ($d: Boolean) { __type(name: "Node") { fields(includeDeprecated: $d) { name } } } | {"d": null} | OK | {"__type": {"fields": [{"name": "id"}]}}
            { __type(name: "OrderDirection") { enumValues(includeDeprecated: null) { name } } } |            | OK | {"__type": {"enumValues": [{"name": "ASC"}, {"name": "DESC"}]}}
            { __type(name: "NewUser") { inputFields(includeDeprecated: null) { name } } }     |              | OK | {"__type": {"inputFields": [{"name": "name"}, {"name": "email"}, {"name": "active"}]}}
            { __type(name: "Node") { fields { args(includeDeprecated: null) { name } } } }    |              | OK | {"__type": {"fields": [{"args": []}]}}
            { __schema { directives { args(includeDeprecated: null) { isDeprecated } } } }    |              | OK | *
            # An ID is a string or an integer (GraphQL 3.5.5).
            query ($s: ID!) { user(id: $s) { id } }                                           | {"s": 1.5}   | BAD_USER_INPUT | absent
            query ($s: ID!) { user(id: $s) { id } }                                           | {"s": 4.0}   | BAD_USER_INPUT | absent
            query ($s: ID!) { user(id: $s) { id } }                                           | {"s": true}  | BAD_USER_INPUT | absent
            query ($s: ID!) { user(id: $s) { id } }                                           | {"s": {}}    | BAD_USER_INPUT | absent
            query ($s: ID!) { user(id: $s) { id } }                                           | {"s": []}    | BAD_USER_INPUT | absent
            query ($s: [ID!]!) { nodes(ids: $s) { id } }                                      | {"s": [1.5]} | BAD_USER_INPUT | absent
            query ($s: [ID!]!) { nodes(ids: $s) { id } }                                      | {"s": [[]]}  | BAD_USER_INPUT | absent
            query ($s: UserFilter) { users(filter: $s) { totalCount } }                       | {"s": {"groupId": false}} | BAD_USER_INPUT | absent
            { user(id: 1.5) { id } }                                                          |              | GRAPHQL_VALIDATION_FAILED | absent
            { user(id: true) { id } }                                                         |              | GRAPHQL_VALIDATION_FAILED | absent
            { user(id: {}) { id } }                                                           |              | GRAPHQL_VALIDATION_FAILED | absent
            { user(id: [1]) { id } }                                                          |              | GRAPHQL_VALIDATION_FAILED | absent
            # A valid ID, though not one of this service.
            query ($s: ID!) { user(id: $s) { id } }                                           | {"s": 12345678901234567890} | BAD_USER_INPUT | {"user": null}
            query ($s: ID!) { user(id: $s) { id } }                                           | {"s": 4}     | BAD_USER_INPUT | {"user": null}
            # Values of another kind than the type requires.
            query ($s: String!) { userByEmail(email: $s) { id } }                             | {"s": 1}     | BAD_USER_INPUT | absent
            query ($s: Boolean!) { users(filter: {active: $s}) { totalCount } }               | {"s": "true"} | BAD_USER_INPUT | absent
            query ($s: Int) { users(first: $s) { totalCount } }                               | {"s": "1"}   | BAD_USER_INPUT | absent
            query ($s: Int) { users(first: $s) { totalCount } }                               | {"s": 1.5}   | BAD_USER_INPUT | absent
            query ($s: UserOrder!) { users(orderBy: $s) { totalCount } }                      | {"s": []}    | BAD_USER_INPUT | absent
            query ($s: UserOrder!) { users(orderBy: $s) { totalCount } }                      | {"s": {"field": "AGE"}} | BAD_USER_INPUT | absent
            query ($s: UserOrder!) { users(orderBy: $s) { totalCount } }                      | {"s": {"field": "NAME", "more": 1}} | BAD_USER_INPUT | absent
            # Without a source stream, it is an error of the request (GraphQL 6.2.3).
            subscription { userEvents(after: "no cursor") { type } }                          |              | BAD_USER_INPUT | absent
            subscription ($s: ID) { userEvents(userId: $s) { type } }                         | {"s": "no ID"} | BAD_USER_INPUT | absent
            subscription ($s: ID) { userEvents(userId: $s) { type } }                         | {"s": 1.5}   | BAD_USER_INPUT | absent
            subscription ($s: Boolean = true) { userEvents { type @skip(if: $s) } }           | {"s": null}  | BAD_USER_INPUT | absent
            subscription { nothing }                                                          |              | GRAPHQL_VALIDATION_FAILED | absent
            # An empty document.
                                                                                              |              | GRAPHQL_PARSE_FAILED | absent
            # A server may ignore @defer.
            { ... @defer { __typename } }                                                     |              | OK | {"__typename": "Query"}
            """;

    /** In each case, {@code "operationName": ""} counts as absent. */
    private static final List<SpecificationCase> WITHOUT_NAME = List.of(
            new SpecificationCase(
                    "query A { a: __typename } query B { b: __typename }",
                    null,
                    "",
                    "OPERATION_RESOLUTION_FAILURE",
                    ""),
            new SpecificationCase(
                    "query A { a: __typename } query B { b: __typename }", null, "B", "OK", "{\"b\": \"Query\"}"),
            new SpecificationCase(
                    "mutation M { createUser(name: \"x\", email: \"x\") { user { id } } } query B { b: __typename }",
                    null,
                    "",
                    "OPERATION_RESOLUTION_FAILURE",
                    ""),
            new SpecificationCase("query A { a: __typename }", null, "", "OK", "{\"a\": \"Query\"}"),
            new SpecificationCase("{ a: __typename }", null, "", "OK", "{\"a\": \"Query\"}"),
            new SpecificationCase("query A { a: __typename }", null, "C", "OPERATION_RESOLUTION_FAILURE", ""));

    public static Stream<SpecificationCase> all() {
        return Stream.concat(
                TABLE.lines()
                        .filter(line -> !line.startsWith("#"))
                        .map(line -> Arrays.stream(line.split("\\|", -1))
                                .map(String::strip)
                                .toList())
                        .map(row -> new SpecificationCase(
                                row.get(0), row.get(1).isEmpty() ? null : row.get(1), null, row.get(2), row.get(3))),
                WITHOUT_NAME.stream());
    }

    public static String token() {
        return Tokens.withScopes("users:read users:write");
    }

    public boolean isMutation() {
        return document.startsWith("mutation");
    }

    /** The members of the request. */
    public Map<String, Object> request() {
        Map<String, Object> request = new HashMap<>(Map.of("query", document));
        if (variables != null) {
            request.put("variables", JSON.readTree(variables));
        }
        if (operationName != null) {
            request.put("operationName", operationName);
        }
        return request;
    }

    /** Returns the differences between the response and the prescribed one. */
    public String differences(JsonNode response) {
        JsonNode errors = response.path("errors");
        String code = errors.isEmpty()
                ? "OK"
                : errors.valueStream()
                        .map(error -> error.at("/extensions/code").asString("none"))
                        .distinct()
                        .reduce((first, other) -> first + ", " + other)
                        .orElseThrow();
        boolean isRight = code.equals(result)
                && switch (data) {
                    case "*" -> response.hasNonNull("data");
                    case "", "absent" -> !response.has("data");
                    case "null" -> response.path("data").isNull();
                    default -> response.path("data").equals(JSON.readTree(data));
                };
        return isRight ? "" : "expected " + result + " with data " + data + ", not " + response;
    }

    @Override
    public String toString() {
        return document
                + (variables == null ? "" : " with " + variables)
                + (operationName == null ? "" : " as \"" + operationName + "\"");
    }
}
