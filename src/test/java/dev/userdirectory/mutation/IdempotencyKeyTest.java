package dev.userdirectory.mutation;

import static org.assertj.core.api.Assertions.assertThat;

import dev.userdirectory.graphql.document.Sha256;
import graphql.ExecutionInput;
import graphql.GraphQL;
import graphql.schema.idl.RuntimeWiring;
import graphql.schema.idl.SchemaGenerator;
import graphql.schema.idl.SchemaParser;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class IdempotencyKeyTest {
    private static final String OLD = """
            type Query { unused: Int }
            type Mutation { create(rows: [Row!], note: String, idempotencyKey: String): String }
            input Row { name: String! }
            """;
    private static final String NEW = OLD.replace("note:", "mode: Mode! = ALL, tags: [Row!] = [{ name: \"A\" }], note:")
                    .replace("name: String!", "name: String!, active: Boolean! = true, nickname: String")
            + "enum Mode { ALL EACH }";
    private static final String MUTATION = "mutation ($rows: [Row!]) { create(rows: $rows, idempotencyKey: \"k\") }";
    private static final Map<String, Object> ROW = Map.of("rows", Map.of("name", "Al"));

    /** Old and new instances run side by side during an update. */
    @Test
    void fingerprintIsTheSameInAVersionWithMoreArgumentsAndFields() {
        assertThat(fingerprint(NEW, MUTATION, ROW)).isEqualTo(fingerprint(OLD, MUTATION, ROW));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            rows: [{ name: "Al" }]                     | true
            rows: { active: true, name: "Al" }, mode: ALL | true
            rows: [{ name: "Al", active: false }]      | false
            rows: [{ name: "Al", nickname: null }]     | false
            rows: [{ name: "Al" }], mode: EACH         | false
            rows: [{ name: "Al" }], note: null         | false
            rows: [{ name: "Al" }], tags: []           | false
            rows: [{ name: "Al" }, { name: "Al" }]     | false
            """)
    void fingerprintDependsOnWhatIsSent(String arguments, boolean isSame) {
        String given = fingerprint(NEW, "mutation { create(" + arguments + ") }", Map.of());

        assertThat(given.equals(fingerprint(NEW, MUTATION, ROW))).isEqualTo(isSame);
    }

    /** In UTF-8, each half of a surrogate pair would be a question mark. */
    @Test
    void fingerprintTellsHalvesOfSurrogatePairsApart() {
        assertThat(Stream.of("?", "\ud800", "\ud801", "\udc00", "\\ud800", "😀").map(IdempotencyKeyTest::ofNote))
                .doesNotHaveDuplicates();
    }

    @Test
    void fingerprintOfTextIsThatOfItsJson() {
        assertThat(ofNote("Zoë 😀")).isEqualTo(Sha256.hex("create {\"note\":\"Zoë 😀\"}"));
    }

    private static String ofNote(String note) {
        return fingerprint(OLD, "mutation ($note: String) { create(note: $note) }", Map.of("note", note));
    }

    private static String fingerprint(String schema, String document, Map<String, Object> variables) {
        RuntimeWiring wiring = RuntimeWiring.newRuntimeWiring()
                .type("Mutation", type -> type.dataFetcher("create", IdempotencyKey::fingerprint))
                .build();
        Map<String, String> data = GraphQL.newGraphQL(
                        new SchemaGenerator().makeExecutableSchema(new SchemaParser().parse(schema), wiring))
                .build()
                .execute(ExecutionInput.newExecutionInput(document).variables(variables))
                .getData();
        return Objects.requireNonNull(data.get("create"));
    }
}
