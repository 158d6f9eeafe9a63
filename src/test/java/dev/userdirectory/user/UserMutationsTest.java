package dev.userdirectory.user;

import static dev.userdirectory.Directory.newEmail;
import static dev.userdirectory.Directory.refusals;
import static org.assertj.core.api.Assertions.assertThat;

import dev.userdirectory.Client;
import dev.userdirectory.Directory;
import dev.userdirectory.DirectoryTest;
import dev.userdirectory.SharedSettings;
import dev.userdirectory.TestPostgres.Statements;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.beans.factory.annotation.Autowired;
import tools.jackson.databind.JsonNode;

@DirectoryTest
@SharedSettings // the deadline
class UserMutationsTest {
    private static final String CREATE_USERS = """
            mutation ($users: [NewUser!]!) {
              createUsers(users: $users) { users { id name email createdAt version } errors { path code } }
            }""";

    @Autowired
    Client client;

    @Autowired
    Directory directory;

    @Autowired
    Statements statements;

    @Test
    void createsTheUserOfTheTutorial() {
        JsonNode user = client.data(
                        "mutation { createUser(name: \"Charlie\", email: \"charlie@example.com\") { user { id name email } } }")
                .at("/createUser/user");

        assertThat(user.get("name").asString()).isEqualTo("Charlie");
        assertThat(user.get("email").asString()).isEqualTo("charlie@example.com");
    }

    @Test
    void createUserReturnsTheUserAsStored() {
        JsonNode user = client.data("""
                mutation ($email: String!) {
                  createUser(name: "Alice", email: $email) {
                    user { id name email active createdAt updatedAt version } errors { code }
                  }
                }""", Map.of("email", newEmail())).at("/createUser/user");

        assertThat(user).isEqualTo(directory.user(user.get("id").asString()));
        assertThat(user.get("active").asBoolean()).isTrue();
        assertThat(user.get("version").asInt()).isZero();
        assertThat(user.get("updatedAt")).isEqualTo(user.get("createdAt"));
        assertThat(user.get("createdAt").asString()).endsWith("Z");
    }

    @Test
    void updateUserReturnsTheUserAsStored() {
        String id = directory.createUser();
        String email = newEmail();

        JsonNode user = update(id, "name: \" Alicia \", email: \"%s\", active: false".formatted(email))
                .get("user");

        assertThat(user).isEqualTo(directory.user(id));
        assertThat(user.get("name").asString()).isEqualTo("Alicia");
        assertThat(user.get("email").asString()).isEqualTo(email);
        assertThat(user.get("active").asBoolean()).isFalse();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '\0', textBlock = """
            name: "", email: "x"         | name INVALID, email INVALID
            name: "", email: "<TAKEN>"   | name INVALID, email TAKEN
            name: "Al", email: "<TAKEN>" | email TAKEN
            """)
    void reportsAllProblemsOfNewUser(String arguments, String refusals) {
        String given = arguments.replace("<TAKEN>", takenEmail());
        Object before = directory.digest();

        JsonNode payload = client.data(
                        "mutation { createUser(" + given + ") { user { id } errors { path code message } } }")
                .get("createUser");

        assertThat(refusals(payload)).containsExactlyInAnyOrder(refusals.split(", "));
        assertThat(payload.get("errors").findValuesAsString("message")).allMatch(message -> message.endsWith("."));
        assertThat(payload.get("user").isNull()).isTrue();
        assertThat(directory.digest()).isEqualTo(before);
    }

    /** An explicit null is invalid for every argument. Only an absent argument leaves its field unchanged. */
    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '\0', textBlock = """
            name: null                                             | name INVALID
            email: null                                            | email INVALID
            active: null                                           | active INVALID
            ifVersion: null                                        | ifVersion INVALID
            name: null, email: null, active: null, ifVersion: null | name INVALID, email INVALID, active INVALID, ifVersion INVALID
            name: " ", email: "@", active: true                    | name INVALID, email INVALID
            email: "<TAKEN>"                                       | email TAKEN
            name: "", email: "<TAKEN>"                             | name INVALID, email TAKEN
            ifVersion: 1                                           | ifVersion STALE
            ifVersion: -1, name: "Al"                              | ifVersion STALE
            ifVersion: 1, name: "", email: "<TAKEN>"               | ifVersion STALE, name INVALID, email TAKEN
            ifVersion: 0, name: "Al", active: null                 | active INVALID
            """)
    void reportsAllProblemsOfUpdate(String arguments, String refusals) {
        String id = directory.createUser();
        String given = arguments.replace("<TAKEN>", takenEmail());
        Object before = directory.digest();

        JsonNode payload = update(id, given);

        assertThat(refusals(payload)).containsExactlyInAnyOrder(refusals.split(", "));
        assertThat(payload.get("user").isNull()).isTrue();
        assertThat(directory.digest()).isEqualTo(before);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '\0', textBlock = """
            a deleted user | name: "Al"                                   | id NOT_FOUND
            a group        | name: "Al", ifVersion: 0                     | id NOT_FOUND
            no ID          | name: "Al"                                   | id INVALID
            a deleted user | name: "", email: "<TAKEN>", ifVersion: null  | id NOT_FOUND, name INVALID, email TAKEN, ifVersion INVALID
            no ID          | name: "", email: "x", active: null           | id INVALID, name INVALID, email INVALID, active INVALID
            """)
    void reportsAllProblemsOfUpdateWithInvalidId(String whom, String arguments, String refusals) {
        String id = idOf(whom);
        String given = arguments.replace("<TAKEN>", takenEmail());
        Object before = directory.digest();

        JsonNode payload = update(id, given);

        assertThat(refusals(payload)).containsExactlyInAnyOrder(refusals.split(", "));
        assertThat(directory.digest()).isEqualTo(before);
    }

    @Test
    void changesOnlyTheGivenFields() {
        String id = directory.createUser();
        JsonNode before = directory.user(id);

        update(id, "active: false");
        JsonNode inactive = directory.user(id);
        update(id, "name: \"Bob\"");
        JsonNode renamed = directory.user(id);

        assertThat(inactive.get("active").asBoolean()).isFalse();
        assertThat(inactive.get("name")).isEqualTo(before.get("name"));
        assertThat(inactive.get("email")).isEqualTo(before.get("email"));
        assertThat(inactive.get("createdAt")).isEqualTo(before.get("createdAt"));
        assertThat(renamed.get("active").asBoolean()).isFalse();
        assertThat(renamed.get("name").asString()).isEqualTo("Bob");
        assertThat(renamed.get("email")).isEqualTo(before.get("email"));
    }

    @Test
    void raisesVersionByOneWithEveryChange() {
        String id = directory.createUser();
        Instant created = Instant.parse(directory.user(id).get("updatedAt").asString());

        update(id, "name: \"One\", active: false, ifVersion: 0");
        JsonNode user = update(id, "name: \"Two\", ifVersion: 1").get("user");

        assertThat(user.get("version").asInt()).isEqualTo(2);
        assertThat(Instant.parse(user.get("updatedAt").asString())).isAfter(created);
    }

    @Test
    void keepsVersionIfNothingChanges() {
        String id = directory.createUser();
        JsonNode before = directory.user(id);
        String same = "name: \" %s \", email: \"%s\", active: true"
                .formatted(before.get("name").asString(), before.get("email").asString());

        for (String arguments : List.of(same, same + ", ifVersion: 0", "active: true", "ifVersion: 0")) {
            JsonNode payload = update(id, arguments);

            assertThat(refusals(payload)).isEmpty();
            assertThat(payload.get("user")).isEqualTo(before);
        }
        assertThat(client.data("mutation { updateUser(id: \"" + id + "\") { user { version } } }")
                        .at("/updateUser/user/version")
                        .asInt())
                .isZero();
        assertThat(directory.user(id)).isEqualTo(before);
    }

    @Test
    void acceptsAnotherSpellingOfTheUsersOwnAddress() {
        String id = directory.createUser();
        String upperCase = directory.user(id).get("email").asString().toUpperCase(Locale.ROOT);

        JsonNode payload = update(id, "email: \"" + upperCase + "\"");

        assertThat(refusals(payload)).isEmpty();
        assertThat(directory.user(id).get("email").asString()).isEqualTo(upperCase);
        assertThat(directory.user(id).get("version").asInt()).isEqualTo(1);
    }

    @Test
    void reusesFreedAddress() {
        String first = directory.createUser();
        String second = directory.createUser();
        String email = directory.user(first).get("email").asString();

        update(first, "email: \"" + newEmail() + "\"");

        assertThat(refusals(update(second, "email: \"" + email + "\""))).isEmpty();
        client.data("mutation { deleteUser(id: \"" + second + "\") { deletedUserId } }");
        assertThat(refusals(createUsers(List.of(newUser(email))))).isEmpty();
    }

    @Test
    void deletesUserAndMemberships() {
        List<String> users = directory.createUsers(2);
        String group = directory.createGroup("Group", users);

        JsonNode payload = delete(users.getFirst(), ", ifVersion: 0");

        assertThat(refusals(payload)).isEmpty();
        assertThat(payload.get("deletedUserId").asString()).isEqualTo(users.getFirst());
        assertThat(directory.user(users.getFirst()).isNull()).isTrue();
        assertThat(directory.group(group).at("/members/nodes").findValuesAsString("id"))
                .containsExactly(users.getLast());
        assertThat(directory.group(group).get("version").asInt()).isZero();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '\0', textBlock = """
            a user         | , ifVersion: 1    | ifVersion STALE
            a user         | , ifVersion: null | ifVersion INVALID
            a deleted user | , ifVersion: 0    | id NOT_FOUND
            a group        | , ifVersion: 0    | id NOT_FOUND
            no ID          | , ifVersion: 0    | id INVALID
            no ID          | , ifVersion: null | id INVALID, ifVersion INVALID
            """)
    void rejectedDeletionChangesNothing(String whom, String arguments, String refusals) {
        String id = idOf(whom);
        Object before = directory.digest();

        JsonNode payload = delete(id, arguments);

        assertThat(refusals(payload)).containsExactlyInAnyOrder(refusals.split(", "));
        assertThat(payload.get("deletedUserId").isNull()).isTrue();
        assertThat(directory.digest()).isEqualTo(before);
    }

    /** The addresses are random and all names are equal, so no other order matches by chance. */
    @Test
    void keepsTheOrderOfOneThousandUsers() {
        List<Map<String, String>> users =
                IntStream.range(0, 1000).mapToObj(i -> newUser(newEmail())).toList();
        List<String> emails = users.stream().map(user -> user.get("email")).toList();
        String group = directory.createGroup("Thousand", List.of());

        JsonNode payload = createUsers(users);

        assertThat(payload.get("users").findValuesAsString("email")).isEqualTo(emails);
        List<String> ids = payload.get("users").findValuesAsString("id");
        client.data(
                "mutation ($group: ID!, $users: [ID!]!) { addGroupMembers(groupId: $group, userIds: $users) {"
                        + " errors { code } } }",
                Map.of("group", group, "users", ids));
        assertThat(inOrderOfCreation(group)).isEqualTo(ids);
    }

    @Test
    void insertsOneThousandUsersInOneStatement() {
        List<Map<String, String>> users =
                IntStream.range(0, 1000).mapToObj(i -> newUser(newEmail())).toList();
        statements.clear();

        JsonNode payload = createUsers(users);

        assertThat(payload.get("users")).hasSize(1000);
        assertThat(statements.executed())
                .as("the check, the actor, the users")
                .hasSize(3)
                .last()
                .asString()
                .startsWith("insert into users");
    }

    /** An insert would lock the new addresses and empty every cache, only to be rolled back. */
    @Test
    void rejectsBatchWithTakenAddressWithoutInserting() {
        String taken = directory.user(directory.createUser()).get("email").asString();
        statements.clear();

        JsonNode payload = createUsers(List.of(newUser(newEmail()), newUser(taken)));

        assertThat(refusals(payload)).containsExactly("users.1.email TAKEN");
        assertThat(statements.executed()).noneMatch(statement -> statement.startsWith("insert"));
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1001})
    void rejectsBatchOfInvalidSize(int size) {
        Object before = directory.digest();

        JsonNode payload = createUsers(Collections.nCopies(size, newUser(newEmail())));

        assertThat(refusals(payload)).containsExactly("users INVALID");
        assertThat(payload.get("users")).isEmpty();
        assertThat(directory.digest()).isEqualTo(before);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '\0', textBlock = """
            NEW, one@b.c, One@B.C                | users.2.email TAKEN
            one@b.c, ONE@b.c, NEW, one@B.c       | users.1.email TAKEN, users.3.email TAKEN
            ÜNÏ@b.c, ünï@b.c                     | users.1.email TAKEN
            NEW, <TAKEN>, NEW                    | users.1.email TAKEN
            <TAKEN>, <TAKEN>                     | users.0.email TAKEN, users.1.email TAKEN
            NEW, nonsense, NEW, <TAKEN>          | users.1.email INVALID, users.3.email TAKEN
            nonsense, nonsense                   | users.0.email INVALID, users.1.email INVALID
            """)
    void rejectsBatchWithInvalidUser(String emails, String refusals) {
        String taken = takenEmail();
        List<Map<String, String>> users = Arrays.stream(emails.split(", "))
                .map(email -> newUser(email.equals("NEW") ? newEmail() : email.replace("<TAKEN>", taken)))
                .toList();
        Object before = directory.digest();

        JsonNode payload = createUsers(users);

        assertThat(refusals(payload)).containsExactlyInAnyOrder(refusals.split(", "));
        assertThat(payload.get("users")).isEmpty();
        assertThat(directory.digest()).isEqualTo(before);
    }

    /** A data loader that kept its cache between the fields would return the state of an earlier field. */
    @Test
    void eachMutationOfARequestReadsCurrentState() {
        List<String> users = directory.createUsers(2);
        String group = directory.createGroup("Group", List.of());

        JsonNode data = client.data("""
                mutation ($group: ID!, $one: ID!, $two: ID!) {
                  first: addGroupMembers(groupId: $group, userIds: [$one]) { group { members { totalCount } } }
                  second: addGroupMembers(groupId: $group, userIds: [$two]) { group { members { totalCount } } }
                  left: removeGroupMembers(groupId: $group, userIds: [$one, $two]) { group { members { totalCount } } }
                  before: updateUser(id: $one, name: "Before") { user { groups { totalCount } } }
                  joined: addGroupMembers(groupId: $group, userIds: [$one]) { group { name } }
                  after: updateUser(id: $one, name: "After") { user { groups { totalCount } } }
                }""", Map.of("group", group, "one", users.get(0), "two", users.get(1)));

        assertThat(data.at("/first/group/members/totalCount").asInt()).isEqualTo(1);
        assertThat(data.at("/second/group/members/totalCount").asInt()).isEqualTo(2);
        assertThat(data.at("/left/group/members/totalCount").asInt()).isZero();
        assertThat(data.at("/before/user/groups/totalCount").asInt()).isZero();
        assertThat(data.at("/after/user/groups/totalCount").asInt()).isEqualTo(1);
    }

    private JsonNode update(String id, String arguments) {
        return client.data(
                        "mutation ($id: ID!) { updateUser(id: $id, " + arguments + ") {"
                                + " user { id name email active createdAt updatedAt version } errors { path code message } } }",
                        Map.of("id", id))
                .get("updateUser");
    }

    private JsonNode delete(String id, String arguments) {
        return client.data(
                        "mutation ($id: ID!) { deleteUser(id: $id" + arguments
                                + ") { deletedUserId errors { path code message } } }",
                        Map.of("id", id))
                .get("deleteUser");
    }

    private JsonNode createUsers(List<Map<String, String>> users) {
        return client.data(CREATE_USERS, Map.of("users", users)).get("createUsers");
    }

    private static Map<String, String> newUser(String email) {
        return Map.of("name", "Al", "email", email);
    }

    private String takenEmail() {
        return directory.user(directory.createUser()).get("email").asString();
    }

    private String idOf(String whom) {
        return switch (whom) {
            case "a user" -> directory.createUser();
            case "a group" -> directory.createGroup("Group", List.of());
            case "a deleted user" -> {
                String id = directory.createUser();
                client.data("mutation { deleteUser(id: \"" + id + "\") { deletedUserId } }");
                yield id;
            }
            default -> "nonsense";
        };
    }

    private List<String> inOrderOfCreation(String group) {
        List<String> ids = new ArrayList<>();
        String after = null;
        do {
            Map<String, Object> variables = new HashMap<>();
            variables.put("group", group);
            variables.put("after", after);
            JsonNode users = client.data("""
                    query ($group: ID!, $after: String) {
                      users(filter: { groupId: $group }, first: 100, after: $after) {
                        nodes { id } pageInfo { hasNextPage endCursor }
                      }
                    }""", variables).get("users");
            ids.addAll(users.get("nodes").findValuesAsString("id"));
            after = users.at("/pageInfo/hasNextPage").asBoolean()
                    ? users.at("/pageInfo/endCursor").asString()
                    : null;
        } while (after != null);
        return ids;
    }
}
