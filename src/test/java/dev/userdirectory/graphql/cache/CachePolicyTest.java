package dev.userdirectory.graphql.cache;

import static org.assertj.core.api.Assertions.assertThat;

import graphql.execution.RawVariables;
import graphql.normalized.ExecutableNormalizedOperationFactory;
import graphql.parser.Parser;
import graphql.schema.GraphQLSchema;
import graphql.schema.idl.RuntimeWiring;
import graphql.schema.idl.SchemaGenerator;
import graphql.schema.idl.SchemaParser;
import graphql.schema.idl.TypeRuntimeWiring;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The examples of Apollo's page on server-side caching, and cases between them. */
class CachePolicyTest {
    private static final GraphQLSchema SCHEMA = schema("""
        directive @cacheControl(maxAge: Int, scope: CacheControlScope, inheritMaxAge: Boolean)
          on FIELD_DEFINITION | OBJECT | INTERFACE | UNION
        enum CacheControlScope { PUBLIC PRIVATE }
        type Query {
          book: Book
          cachedBook: Book @cacheControl(maxAge: 60)
          reader: Reader @cacheControl(maxAge: 40)
          post: Post
          shortPost: Post @cacheControl(maxAge: 10)
          me: Reader @cacheControl(maxAge: 20, scope: PRIVATE)
          number: Int
          cachedNumber: Int @cacheControl(maxAge: 5)
          inherited: Holder
          node: Node @cacheControl(maxAge: 30)
          _entities: [_Entity]!
        }
        union _Entity = Post | Comment | Secret | Holder
        type Mutation { write: Post }
        type Book { title: String cachedTitle: String @cacheControl(maxAge: 30) }
        type Reader { book: Book @cacheControl(inheritMaxAge: true) name: String secret: String @cacheControl(scope: PRIVATE) }
        type Post @cacheControl(maxAge: 240) {
          id: ID! title: String votes: Int @cacheControl(maxAge: 30) comments: [Comment]
          readByMe: Boolean! @cacheControl(maxAge: 10, scope: PRIVATE)
        }
        type Comment { text: String }
        type Secret @cacheControl(maxAge: 7, scope: PRIVATE) { text: String }
        type Holder @cacheControl(inheritMaxAge: true) { name: String holder: Holder }
        interface Node { id: ID! holder: Holder }
        type One implements Node { id: ID! @cacheControl(maxAge: 3) holder: Holder }
        type Two implements Node { id: ID! holder: Holder }
        """);

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
        # From Apollo's page.
        { book { cachedTitle } }                         |   0 | false
        { cachedBook { title } }                         |  60 | false
        { cachedBook { cachedTitle } }                   |  30 | false
        { reader { book { title } } }                    |  40 | false
        { reader { book { cachedTitle } } }              |  30 | false
        # The age of a type, of a field (which has precedence), the shortest age, and lists of a type without an age.
        { post { title } }                               | 240 | false
        { post { title votes } }                         |  30 | false
        { shortPost { title } }                          |  10 | false
        { post { comments { text } } }                   |   0 | false
        { post { comments { __typename } } }             |   0 | false
        { post { __typename } cachedNumber }             |   5 | false
        # Private responses.
        { post { readByMe } }                            |  10 | true
        { me { name } }                                  |  20 | true
        { reader { secret } }                            |  40 | true
        # Scalars at the root, and an inherited age without a parent.
        { number }                                       |   0 | false
        { cachedNumber }                                 |   5 | false
        { cachedNumber number }                          |   0 | false
        { inherited { name } }                           |   0 | false
        # The possible types of an interface.
        { node { id } }                                  |   3 | false
        { node { ... on Two { id } } }                   |  30 | false
        { node { holder { holder { name } } } }          |  30 | false
        # Entities: the selected types decide.
        { _entities { ... on Post { title } } }          | 240 | false
        { _entities { ... on Post { votes } } }          |  30 | false
        { _entities { ... on Secret { text } } }         |   7 | true
        { _entities { ... on Comment { text } } }        |   0 | false
        { _entities { ... on Holder { name } } }         |   0 | false
        { _entities { ... on Post { title } ... on Secret { __typename } } } | 7 | true
        { _entities { __typename } }                     |   0 | true
        # Skipped fields do not count. Introspection and mutations are never cached.
        { cachedNumber number @skip(if: true) }          |   5 | false
        { __schema { queryType { name } } }              |   0 | false
        { __typename }                                   |   0 | false
        mutation { write { title } }                     |   0 | false
        """)
    void usesTheShortestMaxAge(String document, int maxAge, boolean isPrivate) {
        CachePolicy policy = CachePolicy.of(
                ExecutableNormalizedOperationFactory.createExecutableNormalizedOperationWithRawVariables(
                        SCHEMA, Parser.parse(document), null, RawVariables.of(Map.of())),
                SCHEMA);

        assertThat(policy).isEqualTo(new CachePolicy(maxAge, isPrivate));
    }

    private static GraphQLSchema schema(String sdl) {
        return new SchemaGenerator()
                .makeExecutableSchema(
                        new SchemaParser().parse(sdl),
                        RuntimeWiring.newRuntimeWiring()
                                .type(TypeRuntimeWiring.newTypeWiring("Node").typeResolver(env -> null))
                                .type(TypeRuntimeWiring.newTypeWiring("_Entity").typeResolver(env -> null))
                                .build());
    }
}
