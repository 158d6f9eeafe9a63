package dev.userdirectory.contract;

import static org.assertj.core.api.Assertions.assertThat;

import dev.userdirectory.Client;
import dev.userdirectory.DirectoryTest;
import graphql.language.AstPrinter;
import graphql.parser.Parser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.beans.factory.annotation.Autowired;

/** Compares the schema that a gateway fetches with the published one and with that of the last release. */
@DirectoryTest
class SchemaTest {
    private static final Path FOLDER = Path.of("src", "test", "contracts", "schema");
    static final Path PUBLISHED = FOLDER.resolve("user-directory.graphqls");
    private static final Path RELEASED = FOLDER.resolve("released.graphqls");
    private static final Path DECLARED = FOLDER.resolve("breaking-changes.txt");

    @Autowired
    Client client;

    @Test
    void servesThePublishedSchema() throws IOException {
        assertThat(served())
                .as(
                        "The served schema differs from %s. If that is meant: "
                                + "./mvnw package -DskipTests && cp target/schema/user-directory.graphqls %s",
                        PUBLISHED, FOLDER)
                .isEqualTo(Files.readString(PUBLISHED));
    }

    @Test
    void everyBreakingChangeSinceTheLastReleaseIsDeclared() throws IOException {
        List<String> declared = Files.readAllLines(DECLARED).stream()
                .filter(line -> !line.isBlank() && !line.startsWith("#"))
                .toList();

        assertThat(SchemaChanges.breaking(Files.readString(RELEASED), served()))
                .as(
                        "The schema must break what %s promises just as %s declares, a line for each change",
                        RELEASED, DECLARED)
                .containsExactlyInAnyOrderElementsOf(declared);
    }

    /** Returns the published schema without its descriptions. */
    static String withoutDescriptions() throws IOException {
        return AstPrinter.printAst(Parser.parse(Files.readString(PUBLISHED)))
                .replaceAll("(?s)\"\"\".*?\"\"\"\\n\\s*", "")
                .replaceAll("\"(?:[^\"\\\\\\n]|\\\\.)*\"\\n\\s*", "")
                .replaceAll("\\(\\n\\s*", "(");
    }

    private String served() {
        return client.data("{ _service { sdl } }").at("/_service/sdl").asString();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            hasNextPage: Boolean!          |                                    | PageInfo.hasNextPage is gone
            hasNextPage: Boolean!          | hasNextPage: Boolean               | PageInfo.hasNextPage is Boolean, was Boolean!
            email: String! @cost(weight: 8)): User @ | address: String!): User @          | Query.userByEmail(address:) is new and required, Query.userByEmail(email:) is gone
            group(id: ID!)                 | group(id: ID!, version: Int!)      | Query.group(version:) is new and required
            nodes(ids: [ID!]!              | nodes(ids: [Int!]!                 | Query.nodes(ids:) is [Int!]!, was [ID!]!
            userEvents(first: Int! = 100   | userEvents(first: Int! = 10        | Query.userEvents(first:) defaults to 10, did to 100
            @key(fields: "email")          |                                    | User no longer has @key(fields:"email")
            group(id: ID!): Group @requiresScopes(scopes: [["users:read"]]) | group(id: ID!): Group | Query.group no longer has @requiresScopes(scopes:[["users:read"]])
            type Group implements Node     | type Group                         | Group implements Node is gone
            TAKEN                          | DUPLICATE                          | InputErrorCode.TAKEN is gone
            type PageInfo @shareable       | type PageInfo                      | PageInfo no longer has @shareable
            ) on FIELD_DEFINITION          | ) on OBJECT                        | @cacheControl on FIELD_DEFINITION is gone
            maxAge: Int                    | seconds: Int                       | @cacheControl(maxAge:) is gone
            type UserEdge                  | type UserEdge @inaccessible        | UserEdge now has @inaccessible
            input NewUser                  | type NewUser                       | NewUser is type, was input
            scalar DateTime                | enum DateTime                      | DateTime is enum, was scalar
            interface Node                 | type Node                          | Node is type, was interface
            """)
    void reportsBreakingChange(String before, @Nullable String after, String changes) throws IOException {
        String released = withoutDescriptions();
        assertThat(released).contains(before);

        assertThat(SchemaChanges.breaking(released, released.replace(before, after == null ? "" : after)))
                .hasToString("[" + changes + "]");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            startCursor: String            | startCursor: String!
            group(id: ID!)                 | group(id: ID, name: String)
            group(id: ID!)                 | group(id: ID! = "x")
            type Group implements Node     | type Group implements Node & Named
            TAKEN                          | TAKEN RESERVED
            type UserEdge                  | type UserEdge @shareable
            endCursor: String              | endCursor: String weight: Int
            ["users:write"]])              | ["users:write"], ["users:admin"]])
            """)
    void acceptsCompatibleChange(String before, String after) throws IOException {
        String released = withoutDescriptions();
        assertThat(released).contains(before);

        assertThat(SchemaChanges.breaking(released, released.replace(before, after)))
                .isEmpty();
    }
}
