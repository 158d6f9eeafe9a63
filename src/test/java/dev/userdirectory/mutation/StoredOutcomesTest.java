package dev.userdirectory.mutation;

import static dev.userdirectory.Directory.newEmail;
import static dev.userdirectory.Directory.refusals;
import static org.assertj.core.api.Assertions.assertThat;

import dev.userdirectory.Client;
import dev.userdirectory.Directory;
import dev.userdirectory.DirectoryTest;
import dev.userdirectory.TestPostgres.Statements;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.jdbc.core.JdbcTemplate;
import tools.jackson.databind.JsonNode;

/** What mutations store, and how many statements they execute for it. */
@DirectoryTest
class StoredOutcomesTest {
    @Autowired
    Client client;

    @Autowired
    Directory directory;

    @Autowired
    Statements statements;

    @Autowired
    JdbcTemplate jdbc;

    private final String key = UUID.randomUUID().toString();

    @Test
    void usersAndErrorsAreStoredOnce() {
        List<String> emails = IntStream.range(0, 20).mapToObj(i -> newEmail()).toList();
        String document = """
                mutation ($list: [NewUser!]!, $key: String) {
                  createUsers(users: $list, mode: EACH, idempotencyKey: $key) {
                    users { id name email active createdAt updatedAt version }
                    errors { path code message }
                    results { user { id name version } errors { path code message } }
                  }
                }""";
        Map<String, ?> variables = Map.of(
                "key",
                key,
                "list",
                IntStream.range(0, 40)
                        .mapToObj(i -> Map.of("name", "Al", "email", emails.get(i % 20)))
                        .toList());

        JsonNode first = client.data(document, variables);

        assertThat(first.at("/createUsers/users")).hasSize(20);
        assertThat(first.at("/createUsers/results")).hasSize(40);
        assertThat(refusals(first.get("createUsers"))).hasSize(20);
        String outcome = newestOutcome();
        assertThat(outcome).containsOnlyOnce("\"" + emails.get(7) + "\",\"active\"");
        assertThat(outcome.split("Another user has this e-mail address", -1)).hasSize(21);
        assertThat(client.data(document, variables)).isEqualTo(first);
    }

    private String newestOutcome() {
        return jdbc.queryForList("select outcome from idempotency_keys order by created_at desc limit 1", String.class)
                .getFirst();
    }

    @Test
    void reusedKeyIsRejectedInOneStatement() {
        create(newEmail(), "");
        statements.clear();

        assertThat(refusals(create(newEmail(), ""))).containsExactly("idempotencyKey KEY_REUSED");

        // The actor, the key, what is stored under it.
        assertThat(statements.executed()).hasSize(3);
    }

    @Test
    void retryMayGiveDefaults() {
        String email = newEmail();
        JsonNode first = create(email, "");

        assertThat(create(email, "active: true,")).isEqualTo(first);
        assertThat(refusals(create(email, "active: false,"))).containsExactly("idempotencyKey KEY_REUSED");
    }

    private JsonNode create(String email, String more) {
        return client.data("mutation { createUser(name: \"Al\", email: \"%s\", %s idempotencyKey: \"%s\") {"
                                .formatted(email, more, key)
                        + " user { id } errors { path code } } }")
                .get("createUser");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            createUser(name: "", email: "x"%s)            | A name has 1 to 200 characters.
            createUsers(users: []%s)                      | `users` must have 1 to 1,000 entries, not 0.
            upsertUsers(users: []%s)                      | `users` must have 1 to 1,000 entries, not 0.
            updateUsers(users: []%s)                      | `users` must have 1 to 1,000 entries, not 0.
            deleteUsers(ids: []%s)                        | `ids` must have 1 to 1,000 entries, not 0.
            createGroup(name: ""%s)                       | A name has 1 to 200 characters.
            """)
    void invalidMutationNeedsNoDatabase(String mutation, String message) {
        statements.clear();
        JsonNode payload = client.data("mutation { result: " + mutation.formatted("") + " { errors { message } } }")
                .get("result");

        assertThat(statements.executed()).isEmpty();
        assertThat(payload.get("errors").findValuesAsString("message")).contains(message);

        String withKey = "mutation { result: " + mutation.formatted(", idempotencyKey: \"" + key + "\"")
                + " { errors { message } } }";
        assertThat(client.data(withKey).get("result")).isEqualTo(payload);
        assertThat(newestOutcome()).contains(message);
        assertThat(client.data(withKey).get("result")).isEqualTo(payload);
    }
}
