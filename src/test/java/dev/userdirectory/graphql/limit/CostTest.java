package dev.userdirectory.graphql.limit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import graphql.execution.AbortExecutionException;
import graphql.execution.RawVariables;
import graphql.normalized.ExecutableNormalizedOperationFactory;
import graphql.parser.Parser;
import graphql.schema.GraphQLSchema;
import graphql.schema.idl.MockedWiringFactory;
import graphql.schema.idl.RuntimeWiring;
import graphql.schema.idl.SchemaGenerator;
import graphql.schema.idl.SchemaParser;
import java.util.Collections;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * The worked examples of Apollo's documentation (GraphOS Router, Demand Control) with the costs given there, and
 * examples from the tests of Apollo Router.
 */
class CostTest {
    private static final String DIRECTIVES = """
            directive @cost(weight: Int!) on ARGUMENT_DEFINITION | ENUM | FIELD_DEFINITION
              | INPUT_FIELD_DEFINITION | OBJECT | SCALAR
            directive @listSize(assumedSize: Int, slicingArguments: [String!], sizedFields: [String!],
              requireOneSlicingArgument: Boolean = true) on FIELD_DEFINITION
            """;

    private static final GraphQLSchema BOOKS = schema("""
            type Query {
              book(id: ID): Book
              bestsellers: [Book] @listSize(assumedSize: 5)
              newestAdditions(after: ID, limit: Int!): [Book] @listSize(slicingArguments: ["limit"])
            }
            type Book { title: String author: Author publisher: Publisher }
            type Author { name: String }
            type Publisher { name: String address: Address }
            type Address %s { zipCode: Int! }
            """.formatted("@cost(weight: 5)"));

    private static final String BOOK = "title author { name } publisher { name address { zipCode } }";

    /** From Apollo Router's own tests, where a list without a size has 100. */
    private static final GraphQLSchema BASIC = schema("""
            type Query {
              getScalar(id: ID): String
              getScalarByObject(args: OuterInput): String
              object1: FirstObjectType
              interfaceInstance1: MyInterface
              someUnion: UnionOfObjectTypes
              someObjects: [FirstObjectType]
              intList: [Int]
              getObjectsByObject(args: OuterInput): [SecondObjectType]
            }
            type Mutation { doSomething: Int }
            type FirstObjectType { field1: Int innerList: [SecondObjectType] }
            interface MyInterface { field2: String }
            type SecondObjectType implements MyInterface { field1: Int field2: String }
            union UnionOfObjectTypes = FirstObjectType | SecondObjectType
            input InnerInput { id: ID }
            input OuterInput { inner: InnerInput inner2: InnerInput listOfInner: [InnerInput!] }
            """);

    private static final GraphQLSchema CUSTOM = schema("""
            type Query {
              fieldWithCost: Int @cost(weight: 5)
              argWithCost(arg: Int @cost(weight: 10)): Int
              enumWithCost: AorB
              inputWithCost(someInput: InputTypeWithCost): Int
              scalarWithCost: ExpensiveInt
              objectWithCost: ExpensiveObject
              fieldWithListSize: [String!] @listSize(assumedSize: 2000, requireOneSlicingArgument: false)
              fieldWithDynamicListSize(first: Int = 10): SizedField
                @listSize(slicingArguments: ["first"], sizedFields: ["items"], requireOneSlicingArgument: true)
              either(first: Int, last: Int): [A] @listSize(slicingArguments: ["first", "last"])
              byIds(ids: [ID!]): [A] @listSize(slicingArguments: ["ids"], assumedSize: 50, requireOneSlicingArgument: false)
              search(input: Search): [A] @listSize(slicingArguments: ["input.page.first"])
            }
            type SizedField { items: [A] }
            type A { id: ID }
            enum AorB @cost(weight: 15) { A B }
            scalar ExpensiveInt @cost(weight: 30)
            type ExpensiveObject @cost(weight: 40) { id: ID }
            input InputTypeWithCost { somethingWithCost: Int @cost(weight: 20) }
            input Search { page: Page }
            input Page { first: Int }
            """);

    @Test
    void agreesWithApollosDocumentation() {
        GraphQLSchema withoutWeights = schema("""
                type Query { book(id: ID): Book }
                type Book { title: String author: Author publisher: Publisher }
                type Author { name: String }
                type Publisher { name: String address: Address }
                type Address { zipCode: Int! }
                """);
        assertThat(cost(withoutWeights, "{ book(id: 1) { " + BOOK + " } }")).isEqualTo(4);
        assertThat(cost(BOOKS, "{ book(id: 1) { " + BOOK + " } }")).isEqualTo(8);
        assertThat(cost(BOOKS, "{ bestsellers { " + BOOK + " } }")).isEqualTo(40);
        assertThat(cost(BOOKS, "{ newestAdditions(limit: 3) { " + BOOK + " } }"))
                .isEqualTo(24);
        assertThat(cost(BOOKS, "{ newestAdditions(limit: 7) { " + BOOK + " } }"))
                .isEqualTo(56);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{ getScalar(id: 1) } | 0",
                "mutation { doSomething } | 10",
                "{ object1 { field1 } } | 1",
                "{ interfaceInstance1 { field2 } } | 1",
                "{ someUnion { ... on FirstObjectType { field1 } } } | 1",
                "{ someObjects { field1 } } | 100",
                "{ intList } | 0",
                "{ someObjects { innerList { field2 } } } | 10100",
                "{ getScalarByObject(args: { inner: { id: 1 }, listOfInner: [{ id: 2 }, { id: 3 }] }) } | 4",
                "{ object1 @skip(if: true) { field1 } } | 0",
                "{ object1 @include(if: false) { field1 } } | 0",
                "{ interfaceInstance1 { field2 ...N } someUnion { ...N ... on FirstObjectType { innerList { ...W } } } }"
                        + " fragment N on SecondObjectType { field1 } fragment W on MyInterface { field2 } | 102",
            })
    void agreesWithApolloRouter(String document, long cost) {
        assertThat(cost(BASIC, document)).isEqualTo(cost);
    }

    @Test
    void weighsFieldsTypesArgumentsAndInputFieldsAsApolloRouterDoes() {
        String document = """
                query ($input: InputTypeWithCost = { somethingWithCost: 10 }, $first: Int = 5) {
                  fieldWithCost argWithCost(arg: 3) enumWithCost inputWithCost(someInput: $input)
                  scalarWithCost objectWithCost { id } fieldWithListSize
                  fieldWithDynamicListSize(first: $first) { ...Items }
                }
                fragment Items on SizedField { items { id } }
                """;
        assertThat(cost(CUSTOM, document)).isEqualTo(127);
        assertThat(cost(CUSTOM, document, Map.of("first", 7))).isEqualTo(129);
        assertThat(cost(CUSTOM, document.replace("(first: $first)", "").replace(", $first: Int = 5", "")))
                .isEqualTo(132);
    }

    /** Apollo Router does not price them, but each response may be as large as the schema. */
    @Test
    void fieldsThatDescribeTheSchemaHaveAPrice() {
        assertThat(cost(BASIC, "{ __schema { types { fields { name } } } a: __type(name: \"Query\") { name } }"))
                .isEqualTo(200);
        assertThat(cost(
                        schema("type Query { _service: Service! } type Service { sdl: String }"),
                        "{ _service { sdl } }"))
                .isEqualTo(100);
        assertThat(cost(BASIC, "{ __typename object1 { __typename } }")).isEqualTo(1);
    }

    @Test
    void skipsAndIncludesFieldsByVariables() {
        String document = "query ($no: Boolean!) { fieldWithCost @skip(if: $no) ...F @include(if: $no) }"
                + " fragment F on Query { scalarWithCost }";
        assertThat(cost(CUSTOM, document, Map.of("no", true))).isEqualTo(30);
        assertThat(cost(CUSTOM, document, Map.of("no", false))).isEqualTo(5);
    }

    @Test
    void requiresExactlyOneSlicingArgumentWhereTheSchemaDoes() {
        assertThat(cost(CUSTOM, "{ either(last: 7) { id } }")).isEqualTo(7);
        assertThatThrownBy(() -> cost(CUSTOM, "{ either { id } }"))
                .isInstanceOfSatisfying(
                        AbortExecutionException.class,
                        e -> assertThat(e.getUnderlyingErrors().getFirst().getMessage())
                                .isEqualTo("Field `either` needs exactly one of the arguments [first, last], not 0"));
        assertThatThrownBy(() -> cost(CUSTOM, "{ either(first: 1, last: 1) { id } }"))
                .isInstanceOf(AbortExecutionException.class);
    }

    @Test
    void usesListLengthsAndInputFieldsAsSlicingArguments() {
        assertThat(cost(CUSTOM, "{ byIds(ids: [1, 2, 3]) { id } }")).isEqualTo(3);
        assertThat(cost(CUSTOM, "{ byIds { id } }")).isEqualTo(50);
        assertThat(cost(CUSTOM, "{ search(input: { page: { first: 4 } }) { id } }"))
                .isEqualTo(4 + 2);
    }

    @Test
    void assumesListWithoutSizeIsAsLongAsTheListArgument() {
        GraphQLSchema schema = schema("""
                type Query { things(ids: [ID!]!): [Thing] }
                type Mutation { create(things: [NewThing!]!): Payload }
                type Payload { things: [Thing!]! errors: [Thing!]! }
                type Thing { id: ID others: [Thing] }
                input NewThing { name: String }
                """);
        assertThat(cost(schema, "{ things(ids: [1, 2, 3]) { id } }")).isEqualTo(3);
        assertThat(cost(schema, "{ things(ids: [1, 2, 3]) { others { id } } }")).isEqualTo(3 + 3 * 3);
        assertThat(cost(
                        schema,
                        "mutation ($things: [NewThing!]!) { create(things: $things) { things { id } } }",
                        Map.of("things", Collections.nCopies(7, Map.of("name", "a")))))
                .isEqualTo(10 + 7 + 1 + 7);
    }

    @Test
    void countsRepeatedFieldOnce() {
        assertThat(cost(
                        BOOKS,
                        "{ book { author { name } } book { author { name } ...B } } fragment B on Book { title }"))
                .isEqualTo(2);
        assertThat(cost(BOOKS, "{ book { title } other: book { title } }")).isEqualTo(2);
    }

    @Test
    void doesNotOverflow() {
        String largest = "newestAdditions(limit: 2147483647) { title }";
        assertThat(cost(BOOKS, "{ " + largest + " }")).isEqualTo(2147483647L);
        assertThat(cost(BOOKS, "{ " + largest + " other: " + largest + " }")).isEqualTo(2 * 2147483647L);
    }

    private static long cost(GraphQLSchema schema, String document) {
        return cost(schema, document, Map.of());
    }

    private static long cost(GraphQLSchema schema, String document, Map<String, Object> variables) {
        return Cost.of(
                ExecutableNormalizedOperationFactory.createExecutableNormalizedOperationWithRawVariables(
                        schema, Parser.parse(document), null, RawVariables.of(variables)),
                schema,
                100);
    }

    private static GraphQLSchema schema(String sdl) {
        return new SchemaGenerator()
                .makeExecutableSchema(
                        new SchemaParser().parse(DIRECTIVES + sdl),
                        RuntimeWiring.newRuntimeWiring()
                                .wiringFactory(new MockedWiringFactory())
                                .build());
    }
}
