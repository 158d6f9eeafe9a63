package dev.userdirectory.mutation;

import static dev.userdirectory.Directory.refusals;
import static org.assertj.core.api.Assertions.assertThat;

import dev.userdirectory.Client;
import dev.userdirectory.DirectoryTest;
import dev.userdirectory.Tokens;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.util.Map;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.test.context.TestPropertySource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

@DirectoryTest
@TestPropertySource(properties = "directory.idempotency.size=10KB")
class OutcomeBudgetsTest {
    @Autowired
    Client client;

    @Autowired
    JdbcTemplate jdbc;

    private final String subject = UUID.randomUUID().toString();

    @Test
    void rejectsNewKeysOfASubjectThatHasStoredTooMuch() {
        Client caller = client.withToken(Tokens.of(subject, "users:write"));
        JsonNode first = create(caller, "key 0");
        int keys = 1;
        JsonNode last = first;
        while (refusals(last).isEmpty()) {
            last = create(caller, "key " + keys++);
        }

        // Each outcome has more than 2,000 bytes.
        assertThat(keys).isBetween(4, 6);
        assertThat(refusals(last)).containsExactly("idempotencyKey INVALID");
        assertThat(last.at("/errors/0/message").asString())
                .startsWith(
                        "The outcomes stored under this subject's keys take all of its 10,240 bytes. Try again in ");
        assertThat(jdbc.queryForObject(
                        "select count(*) from user_events where actor_subject = ?", Integer.class, subject))
                .isEqualTo(keys - 1);
        assertThat(create(caller, "key 0")).isEqualTo(first);
        assertThat(refusals(create(caller, null))).isEmpty();
        assertThat(refusals(create(client, subject))).isEmpty();
        assertThat(client.withToken(Tokens.of(subject, "users:write"))
                        .send(HttpRequest.newBuilder(client.uri("/graphql"))
                                .header("Content-Type", "application/json")
                                .header("Idempotency-Key", "another")
                                .POST(BodyPublishers.ofString(JsonMapper.shared()
                                        .writeValueAsString(Map.of(
                                                "query", "mutation { createGroup(name: \"A\") { errors { path } } }"))))
                                .build())
                        .body())
                .contains("[\"Idempotency-Key\"]");
    }

    private static JsonNode create(Client caller, @Nullable String key) {
        return caller.data(
                        "mutation ($description: String!, $key: String) { createGroup(name: \"A\","
                                + " description: $description, idempotencyKey: $key) {"
                                + " group { id } errors { path code message } } }",
                        key == null
                                ? Map.of("description", "x".repeat(2000))
                                : Map.of("description", "x".repeat(2000), "key", key))
                .get("createGroup");
    }
}
