package dev.userdirectory.graphql.federation;

import com.netflix.graphql.dgs.DgsComponent;
import com.netflix.graphql.dgs.DgsRuntimeWiring;
import com.netflix.graphql.dgs.DgsTypeDefinitionRegistry;
import graphql.language.ScalarTypeDefinition;
import graphql.scalars.ExtendedScalars;
import graphql.schema.FieldCoordinates;
import graphql.schema.GraphQLArgument;
import graphql.schema.GraphQLCodeRegistry;
import graphql.schema.GraphQLFieldDefinition;
import graphql.schema.GraphQLNamedSchemaElement;
import graphql.schema.GraphQLObjectType;
import graphql.schema.GraphQLSchemaElement;
import graphql.schema.GraphQLTypeVisitorStub;
import graphql.schema.GraphQLUnionType;
import graphql.schema.StaticDataFetcher;
import graphql.schema.idl.RuntimeWiring;
import graphql.schema.idl.TypeDefinitionRegistry;
import graphql.util.TraversalControl;
import graphql.util.TraverserContext;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.springframework.boot.graphql.autoconfigure.GraphQlSourceBuilderCustomizer;
import org.springframework.core.io.Resource;
import org.springframework.core.io.support.PathMatchingResourcePatternResolver;
import org.springframework.graphql.execution.GraphQlSource.SchemaResourceBuilder;

/**
 * The schema that a gateway composes: the text of our files, as it is written. The schema that DGS prints would also
 * contain DGS's own types and every definition of Federation.
 */
@DgsComponent
public class SubgraphSchema implements GraphQlSourceBuilderCustomizer {
    private static final String ANY = "_Any";
    private static final Pattern EXTENSION =
            Pattern.compile("(?ms)^extend type (?<type>\\w+) \\{\n(?<fields>.*?)^\\}\n\n?");
    private static final Pattern ROOT_TYPE =
            Pattern.compile("(?ms)^type (?<type>Query|Mutation|Subscription)(?: \\{\n(?<fields>.*?)^\\})?\n");

    /** Descriptions of the elements that Federation adds to the schema, by name. */
    private static final Map<String, String> DESCRIPTIONS = Map.of(
            ANY,
            "A representation of an entity: its `__typename`, and the fields of one of its keys.",
            "_Entity",
            "An object that other subgraphs may refer to by its keys.",
            "_Service",
            "This service as a subgraph of Apollo Federation.",
            "sdl",
            "The schema of this subgraph, with its directives, in the schema definition language.",
            "_service",
            "Describes this subgraph to a federation gateway.",
            "_entities",
            "Looks up entities by their keys, for a federation gateway. The result has one element per"
                    + " representation, in the same order: null if there is no such entity.",
            "representations",
            "The entities to look up, at most 1,000.");

    private final String sdl = sdl();

    /** Writes {@link #sdl()} to the given file, for the build to publish. */
    public static void main(String... arguments) throws IOException {
        Path file = Path.of(arguments[0]);
        Files.createDirectories(file.toAbsolutePath().getParent());
        Files.writeString(file, sdl());
    }

    /** The files as one text. Extensions of root types are merged, as many tools ignore {@code extend type}. */
    public static String sdl() {
        Map<String, StringBuilder> added = new HashMap<>();
        String definitions = EXTENSION.matcher(files()).replaceAll(extension -> {
            added.computeIfAbsent(extension.group("type"), type -> new StringBuilder())
                    .append('\n')
                    .append(extension.group("fields"));
            return "";
        });
        return ROOT_TYPE
                .matcher(definitions)
                .replaceAll(type -> Matcher.quoteReplacement("type " + type.group("type") + " {\n"
                        + Objects.requireNonNullElse(type.group("fields"), "")
                        + added.getOrDefault(type.group("type"), new StringBuilder()) + "}\n"))
                .replaceAll("\\{\n\n", "{\n");
    }

    private static String files() {
        try {
            return Stream.of(new PathMatchingResourcePatternResolver().getResources("classpath:schema/*.graphqls"))
                    .sorted(Comparator.comparing(SubgraphSchema::isExtension).thenComparing(Resource::getFilename))
                    .map(SubgraphSchema::read)
                    .collect(Collectors.joining("\n"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static boolean isExtension(Resource file) {
        return !"schema.graphqls".equals(file.getFilename());
    }

    private static String read(Resource file) {
        try {
            return file.getContentAsString(StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Removes the types that DGS adds for its own errors. Ours are described by their codes instead. */
    @DgsTypeDefinitionRegistry
    public TypeDefinitionRegistry adjust(TypeDefinitionRegistry registry) {
        Stream.of("ErrorType", "ErrorDetail")
                .flatMap(name -> registry.getType(name).stream())
                .forEach(registry::remove);
        registry.add(ScalarTypeDefinition.newScalarTypeDefinition().name(ANY).build());
        return new TypeDefinitionRegistry();
    }

    /** Replaces Federation's own scalar, which fails on a null or a variable within a literal representation. */
    @DgsRuntimeWiring
    public RuntimeWiring.Builder addAny(RuntimeWiring.Builder wiring) {
        return wiring.scalar(
                ExtendedScalars.Object.transform(scalar -> scalar.name(ANY).description(DESCRIPTIONS.get(ANY))));
    }

    @Override
    public void customize(SchemaResourceBuilder builder) {
        builder.typeVisitorsToTransformSchema(List.of(new GraphQLTypeVisitorStub() {
            @Override
            protected TraversalControl visitGraphQLType(
                    GraphQLSchemaElement element, TraverserContext<GraphQLSchemaElement> context) {
                String name = element instanceof GraphQLNamedSchemaElement named && named.getDescription() == null
                        ? named.getName()
                        : "";
                String text = DESCRIPTIONS.get(name);
                if (text == null) {
                    return TraversalControl.CONTINUE;
                }
                if (name.equals("_Service")) {
                    GraphQLCodeRegistry.Builder code = context.getVarFromParents(GraphQLCodeRegistry.Builder.class);
                    code.dataFetcher(FieldCoordinates.coordinates(name, "sdl"), new StaticDataFetcher(sdl));
                }
                return switch (element) {
                    case GraphQLObjectType type -> changeNode(context, type.transform(copy -> copy.description(text)));
                    case GraphQLUnionType type -> changeNode(context, type.transform(copy -> copy.description(text)));
                    case GraphQLFieldDefinition field ->
                        changeNode(context, field.transform(copy -> copy.description(text)));
                    case GraphQLArgument argument ->
                        changeNode(context, argument.transform(copy -> copy.description(text)));
                    default -> TraversalControl.CONTINUE;
                };
            }
        }));
    }
}
