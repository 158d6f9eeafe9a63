package dev.userdirectory.group;

import static org.assertj.core.api.Assertions.assertThat;

import dev.userdirectory.Client;
import dev.userdirectory.Directory;
import dev.userdirectory.DirectoryTest;
import dev.userdirectory.TestPostgres.Statements;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.annotation.Autowired;
import tools.jackson.databind.JsonNode;

@DirectoryTest
class GroupByNameTest {
    private static final String BY_NAME = "query ($name: String!) { groupByName(name: $name) { id name } }";

    private final String unique = UUID.randomUUID().toString();

    @Autowired
    Client client;

    @Autowired
    Directory directory;

    @Autowired
    Statements statements;

    @Test
    void findsGroupWhateverTheCase() {
        String name = "Κόσμος café " + unique;
        String id = directory.createGroup(name, List.of());

        for (String spelling :
                List.of(name, name.toUpperCase(Locale.ROOT), "  " + name + " ", "κόσμοσ cafe\u0301 " + unique)) {
            assertThat(found(spelling).at("/id").asString()).as(spelling).isEqualTo(id);
        }
        assertThat(found("Κόσμος café " + unique.substring(1)).isNull()).isTrue();
        assertThat(found(unique).isNull()).as("a part of the name").isTrue();
        assertThat(found("").isNull()).isTrue();
    }

    @Test
    void rejectsNameOfSeveralGroups() {
        directory.createGroup("Shared " + unique, List.of());
        String other = directory.createGroup("shared " + unique, List.of());

        JsonNode error = client.error(BY_NAME, Map.of("name", "Shared " + unique));

        assertThat(error.at("/extensions/code").asString()).isEqualTo("BAD_USER_INPUT");
        assertThat(error.at("/extensions/argument").asString()).isEqualTo("name");
        assertThat(error.get("message").asString())
                .isEqualTo("Argument `name` is the name of several groups. `groups(search:)` lists them.");

        client.data("mutation ($id: ID!) { deleteGroup(id: $id) { errors { code } } }", Map.of("id", other));
        assertThat(found("SHARED " + unique).get("name").asString()).isEqualTo("Shared " + unique);
    }

    @Test
    void rejectsNameThatIsTooLong() {
        statements.clear();
        JsonNode error = client.error(BY_NAME, Map.of("name", "a".repeat(201)));

        assertThat(error.get("message").asString()).isEqualTo("Argument `name` has at most 200 characters, not 201.");
        assertThat(statements.executed()).isEmpty();
    }

    @Test
    void readsOneStatementForEachName() {
        String id = directory.createGroup(unique, List.of());
        statements.clear();

        JsonNode data = client.data(
                "query ($name: String!) { a: groupByName(name: $name) { id } b: groupByName(name: \"" + unique
                        + " b\") { id } }",
                Map.of("name", unique));

        assertThat(data.at("/a/id").asString()).isEqualTo(id);
        assertThat(data.get("b").isNull()).isTrue();
        assertThat(statements.executed()).hasSize(2);
    }

    private JsonNode found(String name) {
        return client.data(BY_NAME, Map.of("name", name)).get("groupByName");
    }
}
