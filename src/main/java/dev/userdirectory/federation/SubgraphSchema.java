package dev.userdirectory.federation;

import com.netflix.graphql.dgs.DgsComponent;
import com.netflix.graphql.dgs.DgsRuntimeWiring;
import com.netflix.graphql.dgs.DgsTypeDefinitionRegistry;
import graphql.language.ScalarTypeDefinition;
import graphql.scalars.ExtendedScalars;
import graphql.schema.FieldCoordinates;
import graphql.schema.GraphQLCodeRegistry;
import graphql.schema.GraphQLObjectType;
import graphql.schema.GraphQLSchemaElement;
import graphql.schema.GraphQLTypeVisitorStub;
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
 * The schema that a gateway composes: the text of our files, as it is written. What DGS would print adds types of its own and every
 * definition of Federation.
 */
@DgsComponent
public class SubgraphSchema implements GraphQlSourceBuilderCustomizer {
    private static final String ANY = "_Any";
    private static final Pattern EXTENSION =
            Pattern.compile("(?ms)^extend type (?<type>\\w+) \\{\n(?<fields>.*?)^\\}\n\n?");
    private static final Pattern ROOT_TYPE =
            Pattern.compile("(?ms)^type (?<type>Query|Mutation|Subscription)(?: \\{\n(?<fields>.*?)^\\})?\n");

    private final String sdl = sdl();

    /** Writes {@link #sdl()} to the file that is named: what the build publishes. */
    public static void main(String... arguments) throws IOException {
        Path file = Path.of(arguments[0]);
        Files.createDirectories(file.toAbsolutePath().getParent());
        Files.writeString(file, sdl());
    }

    /** The files as one text. What a file adds to a root type stands in that type: many tools skip {@code extend type}. */
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

    /** Takes out the types that DGS brings along for its errors, which we say by the codes that clients know. */
    @DgsTypeDefinitionRegistry
    public TypeDefinitionRegistry adjust(TypeDefinitionRegistry registry) {
        Stream.of("ErrorType", "ErrorDetail")
                .flatMap(name -> registry.getType(name).stream())
                .forEach(registry::remove);
        registry.add(ScalarTypeDefinition.newScalarTypeDefinition().name(ANY).build());
        return new TypeDefinitionRegistry();
    }

    /** Federation's own scalar fails on a null, or a variable, within a representation that is written as a literal. */
    @DgsRuntimeWiring
    public RuntimeWiring.Builder addAny(RuntimeWiring.Builder wiring) {
        return wiring.scalar(
                ExtendedScalars.Object.transform(scalar -> scalar.name(ANY).description(null)));
    }

    @Override
    public void customize(SchemaResourceBuilder builder) {
        builder.typeVisitors(List.of(new GraphQLTypeVisitorStub() {
            @Override
            public TraversalControl visitGraphQLObjectType(
                    GraphQLObjectType type, TraverserContext<GraphQLSchemaElement> context) {
                if (type.getName().equals("_Service")) {
                    GraphQLCodeRegistry.Builder code = context.getVarFromParents(GraphQLCodeRegistry.Builder.class);
                    code.dataFetcher(FieldCoordinates.coordinates(type.getName(), "sdl"), new StaticDataFetcher(sdl));
                }
                return TraversalControl.CONTINUE;
            }
        }));
    }
}
