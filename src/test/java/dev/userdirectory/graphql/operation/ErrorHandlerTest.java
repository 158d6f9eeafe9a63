package dev.userdirectory.graphql.operation;

import static org.assertj.core.api.Assertions.assertThat;

import dev.userdirectory.Client;
import dev.userdirectory.Directory;
import dev.userdirectory.DirectoryTest;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.logging.LogLevel;
import org.springframework.boot.logging.LoggingSystem;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;
import org.springframework.jdbc.core.JdbcTemplate;
import tools.jackson.databind.JsonNode;

/** Unexpected failures: a table is missing, or rejects its rows. */
@DirectoryTest
@ExtendWith(OutputCaptureExtension.class)
class ErrorHandlerTest {
    @Autowired
    Client client;

    @Autowired
    Directory directory;

    @Autowired
    JdbcTemplate jdbc;

    /** Log levels are set when a context starts, and the context of another class may have switched the log off. */
    @BeforeEach
    void log() {
        LoggingSystem.get(getClass().getClassLoader()).setLogLevel("dev.userdirectory", LogLevel.INFO);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{ users { nodes { id } } }",
                "{ node(id: \"VQAAAAAAAAAAAAAAAAAAAAA\") { id } }",
                "mutation { createUser(name: \"Al\", email: \"a@example.com\") { user { id } } }",
                "mutation { deleteUser(id: \"VQAAAAAAAAAAAAAAAAAAAAA\") { deletedUserId } }"
            })
    void hidesCauseBehindTheIdOfALogEntry(String document, CapturedOutput output) {
        jdbc.execute("alter table users rename to hidden");
        JsonNode error;
        try {
            error = client.error(document, Map.of());
        } finally {
            jdbc.execute("alter table hidden rename to users");
        }

        assertNeutral(error, output);
        assertThat(output).contains("relation \"users\" does not exist");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "createUser(name: \"Unforeseen\", email: \"unforeseen@example.com\") { errors { code } }",
                "createUsers(users: [{ name: \"Unforeseen\", email: \"unforeseen@example.com\" }]) { errors { code } }",
                "updateUser(id: \"<ID>\", name: \"Unforeseen\") { errors { code } }"
            })
    void treatsViolationOfAnotherConstraintAsUnexpected(String mutation, CapturedOutput output) {
        String id = directory.createUser();
        jdbc.execute("alter table users add constraint users_name_check check (name <> 'Unforeseen') not valid");
        JsonNode error;
        try {
            error = client.error("mutation { " + mutation.replace("<ID>", id) + " }", Map.of());
        } finally {
            jdbc.execute("alter table users drop constraint users_name_check");
        }

        assertNeutral(error, output);
        assertThat(output).contains("users_name_check").doesNotContain("unforeseen@example.com");
    }

    private static void assertNeutral(JsonNode error, CapturedOutput output) {
        String id = error.at("/extensions/id").asString();
        assertThat(error.get("message").asString())
                .isEqualTo("The service failed to process this; its log has the cause under the ID " + id
                        + ". Whether a mutation took effect is unknown.");
        assertThat(error.at("/extensions/code").asString()).isEqualTo("INTERNAL_SERVER_ERROR");
        assertThat(error.at("/extensions/errorType").asString()).isEqualTo("INTERNAL");
        assertThat(error.toString()).doesNotContain("xception", "select", "insert", "constraint", "org.", ".java");
        assertThat(output).contains("Error " + id);
    }
}
