package dev.userdirectory.user;

import static org.assertj.core.api.Assertions.assertThat;

import dev.userdirectory.Client;
import dev.userdirectory.DirectoryTest;
import dev.userdirectory.TestPostgres.Statements;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.jdbc.core.JdbcTemplate;
import tools.jackson.databind.JsonNode;

@DirectoryTest
class UserSearchTest {
    @Autowired
    Client client;

    @Autowired
    JdbcTemplate jdbc;

    @Autowired
    Statements statements;

    @BeforeEach
    void createUsers() {
        jdbc.update("delete from users");
        create("100 % sure", "percent@example.com");
        create("snake_case", "under_score@example.com");
        create("back\\slash", "slash@example.com");
        create("O'Brien \"Quote\"", "o'brien@example.com");
        create("Ärger ÉCOLE", "aerger@example.com");
        create("ОЛЬГА", "olga@example.com");
        create("İpek", "IPEK@Example.com");
        create("🦊", "fox@example.com");
        create("Al", "ice@example.com");
        create("Νίκος", "µm@example.com");
        create("Tſing", "cafe\u0301@example.com");
        create("张伟", "zhang.wei@example.com");
    }

    @AfterEach
    void deleteUsers() {
        jdbc.update("delete from users");
    }

    @ParameterizedTest
    @CsvSource(
            quoteCharacter = '`',
            value = {
                "%, 100 % sure",
                "100 %, 100 % sure",
                "_, snake_case",
                "e_c, snake_case",
                "r_s, snake_case",
                "\\, back\\slash",
                "k\\s, back\\slash",
                "\", O'Brien \"Quote\"",
                "o'b, O'Brien \"Quote\"",
                "ärger, Ärger ÉCOLE",
                "ÄRGER, Ärger ÉCOLE",
                "école, Ärger ÉCOLE",
                "ольга, ОЛЬГА",
                "ЛЬ, ОЛЬГА",
                "ipek@, İpek",
                "IPEK, İpek",
                "İPEK, İpek",
                "🦊, 🦊",
                "FOX@EXAMPLE.COM, 🦊",
                "Al, Al",
                "νίκος, Νίκος",
                "ΝΊΚΟΣ, Νίκος",
                "νι\u0301κοσ, Νίκος",
                "μm@, Νίκος",
                "µM@, Νίκος",
                "tsing, Tſing",
                "TSING, Tſing",
                "caf\u00e9@, Tſing",
                "CAFE\u0301@, Tſing",
                "张, 张伟",
                "张伟, 张伟"
            })
    void findsTextWhateverItsCase(String search, String name) {
        assertThat(found(search)).containsExactly(name);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "%%", "a%e", "_nake", "\\\\", "\\_", "''", "arger", "alice", "al ice", "al ice@", "éy", "zz", "e.c0m"
            })
    void findsNoUserThatDoesNotContainTheText(String search) {
        assertThat(found(search)).isEmpty();
    }

    @Test
    void findsGroupsWhateverTheSpelling() {
        String name = "Κόσμος µ ſ cafe\u0301";
        client.data("mutation ($name: String!) { createGroup(name: $name) { group { id } } }", Map.of("name", name));

        for (String search : List.of("κόσμος μ", "ΚΌΣΜΟΣ Μ", "κόσμοσ", "µ s café", "μ ſ CAFÉ", "cafe\u0301")) {
            JsonNode groups = client.data(
                    "query ($search: String!) { groups(search: $search, last: 1) { nodes { name } } }",
                    Map.of("search", search));

            assertThat(groups.at("/groups/nodes/0/name").asString()).as(search).isEqualTo(name);
        }
    }

    @Test
    void findsAllUsersForEmptyText() {
        assertThat(found("")).hasSize(12);
    }

    @ParameterizedTest
    @ValueSource(strings = {"l\ni", "\0", "\u001b"})
    void rejectsControlCharacters(String search) {
        for (String field : List.of("users(filter: { search: $search })", "groups(search: $search)")) {
            JsonNode error =
                    client.error("query ($search: String) { " + field + " { totalCount } }", Map.of("search", search));

            assertThat(error.at("/extensions/code").asString()).isEqualTo("BAD_USER_INPUT");
            assertThat(error.get("message").asString()).endsWith("search` must not contain control characters.");
        }
    }

    @Test
    void acceptsTextAsLongAsAName() {
        assertThat(found("🦊".repeat(200))).isEmpty();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            query ($text: String) { users(filter: { search: $text }) { nodes { id } } } | filter.search | 200
            query ($text: String) { groups(search: $text) { totalCount } }              | search        | 200
            query ($text: String!) { userByEmail(email: $text) { id } }                 | email         | 254
            """)
    void rejectsTextThatIsTooLong(String document, String argument, int limit) {
        statements.clear();
        for (int length : List.of(limit + 1, 1_800_000)) {
            JsonNode error = client.error(document, Map.of("text", "a".repeat(length)));

            assertThat(error.at("/extensions/code").asString()).isEqualTo("BAD_USER_INPUT");
            assertThat(error.at("/extensions/argument").asString()).isEqualTo(argument);
            assertThat(error.get("message").asString())
                    .isEqualTo("Argument `%s` has at most %d characters, not %,d.".formatted(argument, limit, length));
        }
        assertThat(statements.executed()).isEmpty();
    }

    private void create(String name, String email) {
        client.data(
                "mutation ($name: String!, $email: String!) { createUser(name: $name, email: $email) { user { id } } }",
                Map.of("name", name, "email", email));
    }

    private List<String> found(String search) {
        JsonNode users = client.data(
                        "query ($search: String!) { users(filter: { search: $search }) { totalCount nodes { name } } }",
                        Map.of("search", search))
                .get("users");
        List<String> names = users.get("nodes").values().stream()
                .map(node -> node.get("name").asString())
                .toList();
        assertThat(users.get("totalCount").asInt()).isEqualTo(names.size());
        return names;
    }
}
