package dev.userdirectory.mutation;

import static dev.userdirectory.Directory.newEmail;
import static org.assertj.core.api.Assertions.assertThat;

import dev.userdirectory.Client;
import dev.userdirectory.Directory;
import dev.userdirectory.DirectoryTest;
import dev.userdirectory.TestPostgres.Statements;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.annotation.Autowired;
import tools.jackson.databind.JsonNode;

/** An error shows the object that is in the way, so that a client can merge without another request. */
@DirectoryTest
class ConflictsTest {
    private static final String ERRORS = " { errors { code current { id ... on User { name email version }"
            + " ... on Group { name version } } } } }";

    @Autowired
    Client client;

    @Autowired
    Directory directory;

    @Autowired
    Statements statements;

    @Test
    void staleUpdateShowsTheUser() {
        String id = directory.createUser();
        client.data("mutation { updateUser(id: \"" + id + "\", name: \"Second\") { errors { code } } }");

        JsonNode current = current("updateUser(id: \"" + id + "\", name: \"Third\", ifVersion: 0)");

        assertThat(current.get("id").asString()).isEqualTo(id);
        assertThat(current.get("name").asString()).isEqualTo("Second");
        assertThat(current.get("version").asInt()).isEqualTo(1);
    }

    @Test
    void staleUpdateShowsTheChangesOfEarlierFieldsOfTheMutation() {
        String id = directory.createUser();
        client.data("query ($id: ID!) { user(id: $id) { version } }", Map.of("id", id));

        JsonNode data = client.data("""
                mutation ($id: ID!) {
                  updateUser(id: $id, name: "Second") { errors { code } }
                  first: updateUser(id: $id, name: "Stale", ifVersion: 0) { ...Errors }
                  another: updateUser(id: $id, name: "Third") { errors { code } }
                  second: updateUser(id: $id, name: "Stale", ifVersion: 0) { ...Errors }
                }
                fragment Errors on UpdateUserPayload { errors { current { ... on User { name version } } } }
                """, Map.of("id", id));

        assertThat(data.at("/first/errors/0/current/name").asString()).isEqualTo("Second");
        assertThat(data.at("/second/errors/0/current/name").asString()).isEqualTo("Third");
        assertThat(data.at("/second/errors/0/current/version").asInt()).isEqualTo(2);
    }

    @Test
    void staleDeletionShowsTheGroup() {
        String id = directory.createGroup("First", List.of());
        client.data("mutation { updateGroup(id: \"" + id + "\", name: \"Second\") { errors { code } } }");

        JsonNode current = current("deleteGroup(id: \"" + id + "\", ifVersion: 0)");

        assertThat(current.get("id").asString()).isEqualTo(id);
        assertThat(current.get("name").asString()).isEqualTo("Second");
    }

    @Test
    void takenAddressShowsItsUser() {
        String id = directory.createUser();
        String email = directory.user(id).get("email").asString().toUpperCase(Locale.ROOT);
        String other = directory.createUser();

        assertThat(current("createUser(name: \"Al\", email: \"" + email + "\")")
                        .get("id")
                        .asString())
                .isEqualTo(id);
        assertThat(current("updateUser(id: \"" + other + "\", email: \"" + email + "\")")
                        .get("id")
                        .asString())
                .isEqualTo(id);
    }

    @Test
    void takenAddressesAreLookedUpTogether() {
        List<String> ids = directory.createUsers(3);
        String taken = directory.user(ids.get(1)).get("email").asString();
        String alsoTaken = directory.user(ids.get(2)).get("email").asString();
        String repeated = newEmail();
        statements.clear();

        JsonNode errors = client.data(
                        "mutation ($users: [NewUser!]!) { createUsers(users: $users)" + ERRORS,
                        Map.of(
                                "users",
                                List.of(
                                        Map.of("name", "A", "email", taken),
                                        Map.of("name", "B", "email", repeated),
                                        Map.of("name", "C", "email", repeated),
                                        Map.of("name", "D", "email", alsoTaken))))
                .at("/createUsers/errors");

        assertThat(errors).hasSize(3);
        assertThat(errors.at("/0/current/id").asString()).isEqualTo(ids.get(1));
        assertThat(errors.at("/1/current").isNull()).isTrue();
        assertThat(errors.at("/2/current/id").asString()).isEqualTo(ids.get(2));
        assertThat(statements.executed())
                .filteredOn(sql -> sql.contains("given_email"))
                .hasSize(1);
    }

    @Test
    void otherErrorsShowNothing() {
        assertThat(current("createUser(name: \"\", email: \"" + newEmail() + "\")")
                        .isNull())
                .isTrue();
    }

    /** {@code userByEmail} requires that scope, too. */
    @Test
    void userWithATakenAddressIsShownOnlyToReaders() {
        String email = directory.user(directory.createUser()).get("email").asString();
        String mutation = "createUser(name: \"Al\", email: \"" + email + "\")";
        statements.clear();

        assertThat(current(client.as("users:write"), mutation).isNull()).isTrue();
        assertThat(statements.executed()).noneMatch(sql -> sql.contains("given_email"));
        assertThat(current(client.as("users:write", "users:read"), mutation)
                        .get("email")
                        .asString())
                .isEqualTo(email);
    }

    @Test
    void writersSeeTheStaleObject() {
        String id = directory.createUser();

        assertThat(current(client.as("users:write"), "deleteUser(id: \"" + id + "\", ifVersion: 7)")
                        .get("id")
                        .asString())
                .isEqualTo(id);
    }

    /** As by a client that merges and forgets to take a new key. */
    @Test
    void keyOfARejectedUpdateShowsTheUser() {
        String id = directory.createUser();
        String update =
                "updateUser(id: \"" + id + "\", name: \"Merged\", ifVersion: %d, idempotencyKey: \"" + id + "\")";
        assertThat(current(update.formatted(7)).get("id").asString()).isEqualTo(id);
        statements.clear();

        assertThat(current(update.formatted(0)).get("id").asString()).isEqualTo(id);
        // The actor, the key, what is stored under it, and the user unless it is cached.
        assertThat(statements.executed()).hasSizeLessThanOrEqualTo(4);
    }

    @Test
    void keyOfOneCreatedUserShowsItAndOfSeveralNone() {
        String create = "createUsers(users: [%s], idempotencyKey: \"%s\")";
        String first = "{ name: \"One\", email: \"" + newEmail() + "\" }";
        String second = "{ name: \"Two\", email: \"" + newEmail() + "\" }";
        String third = "{ name: \"Three\", email: \"" + newEmail() + "\" }";
        String one = newEmail();
        String two = newEmail();
        client.data("mutation { one: " + create.formatted(first, one) + " { errors { code } } two: "
                + create.formatted(second + third, two) + " { errors { code } } }");

        assertThat(current(create.formatted(second, one)).get("name").asString())
                .isEqualTo("One");
        assertThat(current(create.formatted(first, two)).isNull()).isTrue();
    }

    private JsonNode current(String mutation) {
        return current(client, mutation);
    }

    private static JsonNode current(Client client, String mutation) {
        JsonNode errors = client.data("mutation { result: " + mutation + ERRORS).at("/result/errors");
        assertThat(errors).hasSize(1);
        return errors.at("/0/current");
    }
}
