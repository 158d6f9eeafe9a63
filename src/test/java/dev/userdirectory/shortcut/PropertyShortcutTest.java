package dev.userdirectory.shortcut;

import static org.assertj.core.api.Assertions.assertThat;

import dev.userdirectory.graphql.limit.ResponseBudget;
import dev.userdirectory.graphql.operation.BoundedExecutionStrategy;
import dev.userdirectory.graphql.operation.Operation;
import graphql.ExecutionInput;
import graphql.ExecutionResult;
import graphql.GraphQL;
import graphql.execution.AsyncExecutionStrategy;
import graphql.execution.DataFetcherResult;
import graphql.execution.ExecutionStrategy;
import graphql.execution.SimpleDataFetcherExceptionHandler;
import graphql.execution.instrumentation.InstrumentationContext;
import graphql.execution.instrumentation.InstrumentationState;
import graphql.execution.instrumentation.SimplePerformantInstrumentation;
import graphql.execution.instrumentation.parameters.InstrumentationExecuteOperationParameters;
import graphql.execution.instrumentation.parameters.InstrumentationFieldParameters;
import graphql.schema.DataFetcher;
import graphql.schema.idl.RuntimeWiring;
import graphql.schema.idl.SchemaGenerator;
import graphql.schema.idl.SchemaParser;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.json.JsonMapper;

/** The strategy responds as graphql-java itself does, whatever the objects contain, and calls it less often. */
class PropertyShortcutTest {
    private static final String SCHEMA = """
        type Query { shelf: Shelf, later: Shelf, items: [Item], things: [Thing!]!, wrapped: [Item], failed: [Item] }
        type Shelf { name: String!, best: Book, books: [Book!]!, holes: [Book], grid: [[Int!]!], lookup(id: Int): Book }
        interface Thing { id: ID! }
        union Item = Book | Lamp
        type Book implements Thing { id: ID!, title: String, kind: Kind, author: Author!, pages: Int! }
        type Lamp implements Thing { id: ID!, watts: Float! }
        type Author { name: String!, books: [Book!] }
        enum Kind { NOVEL POEM }
        """;

    private final AtomicInteger fieldsOfGraphQlJava = new AtomicInteger();
    private long limit = Long.MAX_VALUE;
    private final GraphQL plain = build(new AsyncExecutionStrategy());
    private final GraphQL ours = build(new PropertyShortcut(new SimpleDataFetcherExceptionHandler()));
    private final GraphQL withoutShortcut =
            build(new BoundedExecutionStrategy(new SimpleDataFetcherExceptionHandler()));

    /** @param kind a kind that the schema does not have causes an error */
    public record Book(
            int id,
            @Nullable String title,
            @Nullable String kind,
            @Nullable Author author,
            @Nullable Object pages) {}

    public record Lamp(String id, double watts) {}

    public record Author(String name, List<Book> books) {
        public List<Book> getBooks() {
            if (books.isEmpty()) {
                throw new IllegalStateException("No books");
            }
            return books;
        }
    }

    public record Shelf(
            @Nullable String name,
            Optional<Book> best,
            List<@Nullable Book> books,
            List<@Nullable Book> holes,
            List<List<Integer>> grid) {}

    private static final Author AUTHOR = new Author("Ada", List.of(new Book(9, "Nine", "POEM", null, 9)));
    private static final Book GOOD = new Book(1, "One", "NOVEL", AUTHOR, 100);
    private static final Book WITHOUT_TITLE = new Book(2, null, null, AUTHOR, 200);
    private static final Book WITHOUT_AUTHOR = new Book(3, "Three", "POEM", null, 300);
    private static final Book WITHOUT_PAGES = new Book(4, "Four", "NOVEL", new Author("Nobody", List.of()), null);
    private static final Book BAD_PAGES = new Book(5, "Five", "ESSAY", AUTHOR, "many");
    private static final Lamp LAMP = new Lamp("lamp", 7.5);

    private static final Shelf SHELF = new Shelf(
            "Top",
            Optional.of(GOOD),
            List.of(GOOD, WITHOUT_TITLE),
            Arrays.asList(GOOD, null, WITHOUT_AUTHOR, WITHOUT_PAGES, BAD_PAGES),
            List.of(List.of(1, 2), List.of()));

    private GraphQL build(ExecutionStrategy strategy) {
        RuntimeWiring wiring = RuntimeWiring.newRuntimeWiring()
                .type(
                        "Query",
                        type -> type.dataFetcher("shelf", env -> SHELF)
                                .dataFetcher("later", env -> CompletableFuture.supplyAsync(() -> SHELF))
                                .dataFetcher("items", env -> Arrays.asList(GOOD, LAMP, null, WITHOUT_PAGES))
                                .dataFetcher("things", env -> List.of(LAMP, GOOD))
                                .dataFetcher(
                                        "wrapped",
                                        env -> List.of(
                                                DataFetcherResult.newResult()
                                                        .data(GOOD)
                                                        .build(),
                                                LAMP))
                                .dataFetcher("failed", (DataFetcher<?>) env -> {
                                    throw new IllegalStateException("Failed");
                                }))
                .type(
                        "Shelf",
                        type -> type.dataFetcher("lookup", env -> env.getArgument("id") == null ? null : WITHOUT_TITLE))
                .type("Thing", type -> type.typeResolver(PropertyShortcutTest::type))
                .type("Item", type -> type.typeResolver(PropertyShortcutTest::type))
                .build();
        return GraphQL.newGraphQL(new SchemaGenerator().makeExecutableSchema(new SchemaParser().parse(SCHEMA), wiring))
                .queryExecutionStrategy(strategy)
                .instrumentation(new SimplePerformantInstrumentation() {
                    @Override
                    public @Nullable InstrumentationContext<ExecutionResult> beginExecuteOperation(
                            InstrumentationExecuteOperationParameters parameters, InstrumentationState state) {
                        Operation.of(parameters.getExecutionContext().getGraphQLContext()).response =
                                new ResponseBudget(limit, null, false);
                        return null;
                    }

                    @Override
                    public @Nullable InstrumentationContext<Object> beginFieldExecution(
                            InstrumentationFieldParameters parameters, InstrumentationState state) {
                        fieldsOfGraphQlJava.incrementAndGet();
                        return null;
                    }
                })
                .build();
    }

    private static graphql.schema.GraphQLObjectType type(graphql.TypeResolutionEnvironment env) {
        return env.getSchema().getObjectType(env.<Object>getObject().getClass().getSimpleName());
    }

    static Stream<String> queries() {
        return Stream.of(
                "{ shelf { name best { id title kind pages } books { id title author { name } } grid } }",
                "{ later { best { pages } books { author { books { title } } } } shelf { name } }",
                "{ __typename shelf { __typename a: name b: name books { __typename kind } } }",
                "{ shelf { name name books { id } books { title } } shelf { name } }",
                "{ shelf { ...F books { ...B ... on Book { title } } } } fragment F on Shelf { name } fragment B on"
                        + " Book { id title }",
                "query ($yes: Boolean = true) { shelf { name @skip(if: $yes) books { id @include(if: $yes) title } } }",
                "query ($yes: Boolean = true) { shelf { books { ...B @skip(if: $yes) title } } } fragment B on Book {"
                        + " id }",
                "query ($yes: Boolean = true) { shelf { books { id } books { ...B @skip(if: $yes) } } } fragment B on"
                        + " Book { title }",
                "{ a: shelf { ...S books { title } } b: shelf { ...S } } fragment S on Shelf { books { id } }",
                "{ shelf { holes { id title } } }",
                "{ shelf { holes { id author { name } } } }",
                "{ shelf { holes { id pages } } }",
                "{ shelf { holes { kind } } }",
                "{ shelf { holes { author { books { id } } } } }",
                "{ shelf { name lookup(id: 1) { title pages } } }",
                "{ shelf { lookup { title } books { id } } }",
                "{ items { __typename ... on Book { id author { name } } ... on Lamp { watts } } }",
                "{ items { ... on Book { pages } ... on Lamp { id } } }",
                "{ things { id ... on Book { kind } __typename } }",
                "{ wrapped { ... on Book { id } ... on Lamp { id } } }",
                "{ failed { __typename } shelf { name } }",
                "{ aLongNameForWhatIsOftenShort: shelf { a: __typename b: books { c: id d: title } } }");
    }

    @ParameterizedTest
    @MethodSource("queries")
    void answersAsGraphQlJavaDoes(String query) {
        Map<String, Object> expected = plain.execute(input(query, false)).toSpecification();

        assertThat(ours.execute(input(query, false)).toSpecification()).isEqualTo(expected);
        assertThat(ours.execute(input(query, false)).toSpecification()).isEqualTo(expected);
    }

    @ParameterizedTest
    @MethodSource("queries")
    void countsAtLeastTheBytesOfTheResponseAndLittleMore(String query) {
        Map<String, Object> response = plain.execute(input(query, false)).toSpecification();
        int bytes = JsonMapper.shared().writeValueAsBytes(response).length;

        assertThat(counted(ours, query, false)).isBetween((long) bytes - 30, 2L * bytes);
        // A traced response is larger, because of the trace.
        assertThat(counted(ours, query, true)).isGreaterThan(bytes - 30);
        if (!response.containsKey("errors")) {
            assertThat(counted(withoutShortcut, query, false)).isEqualTo(counted(ours, query, false));
        }
    }

    private static ExecutionInput input(String query, boolean traced) {
        Operation operation = new Operation();
        if (traced) {
            operation.tracesFields = true;
        }
        return ExecutionInput.newExecutionInput(query)
                .graphQLContext(Map.of(Operation.class, operation))
                .build();
    }

    private static ResponseBudget response(ExecutionInput input) {
        return Objects.requireNonNull(Operation.of(input.getGraphQLContext()).response);
    }

    private static long counted(GraphQL graphQl, String query, boolean traced) {
        ExecutionInput input = input(query, traced);
        ExecutionResult result = graphQl.execute(input);
        ResponseBudget budget = response(input);
        budget.addErrors(result.getErrors());
        return budget.used();
    }

    @ParameterizedTest
    @ValueSource(strings = {"\"", "\\", "\n", "\u0001", "a", "\u007f", "é", "€", "𠮷", "名前"})
    void countsTextAsJsonInUtf8(String text) {
        String repeated = text.repeat(100);
        ResponseBudget budget = new ResponseBudget(0, null, false);
        budget.addValue(repeated);

        assertThat(budget.used()).isEqualTo(JsonMapper.shared().writeValueAsBytes(repeated).length);
    }

    @ParameterizedTest
    @MethodSource("queries")
    void endsSoonOnceTheBudgetIsExceeded(String query) {
        limit = 20;
        for (boolean traced : new boolean[] {false, true}) {
            ExecutionInput input = input(query, traced);
            fieldsOfGraphQlJava.set(0);

            assertThat(ours.executeAsync(input)).succeedsWithin(Duration.ofSeconds(5));
            assertThat(response(input).isExceeded()).isTrue();
            assertThat(fieldsOfGraphQlJava).hasValueLessThan(5);
        }
    }

    @Test
    void keepsTheSelectedOrder() {
        String query = "{ shelf { grid books { title id } name } }";

        assertThat(ours.execute(input(query, false)).toSpecification())
                .hasToString(
                        plain.execute(input(query, false)).toSpecification().toString());
    }

    @Test
    void leavesOnlyFetchedFieldsToGraphQlJava() {
        ExecutionResult result = ours.execute(
                input("{ shelf { name books { id title author { name } } lookup(id: 1) { id } } }", false));

        assertThat(result.getErrors()).isEmpty();
        assertThat(fieldsOfGraphQlJava).hasValue(2); // shelf and lookup
    }

    @Test
    void leavesTracedOperationsToGraphQlJava() {
        ours.execute(input("{ shelf { name books { id } } }", true));

        assertThat(fieldsOfGraphQlJava).hasValue(5); // shelf, name, books, and two times id
    }
}
