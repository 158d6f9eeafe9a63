package dev.userdirectory.contract;

import graphql.execution.CoercedVariables;
import graphql.language.AstTransformer;
import graphql.language.Definition;
import graphql.language.Directive;
import graphql.language.Document;
import graphql.language.Node;
import graphql.language.NodeVisitorStub;
import graphql.language.OperationDefinition;
import graphql.language.SchemaExtensionDefinition;
import graphql.normalized.ExecutableNormalizedField;
import graphql.normalized.ExecutableNormalizedOperationFactory;
import graphql.parser.Parser;
import graphql.schema.GraphQLList;
import graphql.schema.GraphQLNonNull;
import graphql.schema.GraphQLSchema;
import graphql.schema.GraphQLType;
import graphql.schema.GraphQLTypeUtil;
import graphql.schema.idl.SchemaParser;
import graphql.schema.idl.UnExecutableSchemaGenerator;
import graphql.util.TraversalControl;
import graphql.util.TraverserContext;
import graphql.util.TreeTransformerUtil;
import graphql.validation.Validator;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * One operation of a consumer, and the part of its response that the consumer relies on. The files are
 * {@code <consumer>/<Operation>.graphql} and {@code .json} under {@code src/test/contracts/consumers}. Relay's
 * {@code operations.json} may contain the operation instead of the former.
 *
 * <p>{@code data} is the response with each scalar replaced by the name of its type. The consumer relies on each field
 * not being null, unless a question mark follows its name. An empty list must be empty, and other lists must not be.
 *
 * @param scopes the scopes of the consumer's token
 */
record Contract(String consumer, String operation, String document, String scopes, JsonNode variables, JsonNode data) {
    private static final Path FOLDER = Path.of("src", "test", "contracts", "consumers");
    private static final String OPERATIONS = "operations.json";

    static List<Contract> all() {
        return files(FOLDER).flatMap(Contract::of).toList();
    }

    private static Stream<Contract> of(Path folder) {
        return documents(folder).map(document -> {
            String operation = Parser.parse(document)
                    .getDefinitionsOfType(OperationDefinition.class)
                    .getFirst()
                    .getName();
            JsonNode json = JsonMapper.shared().readTree(read(folder.resolve(operation + ".json")));
            return new Contract(
                    folder.getFileName().toString(),
                    operation,
                    document,
                    json.get("scopes").asString(),
                    json.get("variables"),
                    json.get("data"));
        });
    }

    private static Stream<String> documents(Path folder) {
        return files(folder).flatMap(file -> {
            if (file.endsWith(OPERATIONS)) {
                return JsonMapper.shared().readTree(read(file)).values().stream()
                        .map(JsonNode::asString);
            }
            return file.toString().endsWith(".graphql") ? Stream.of(read(file)) : Stream.empty();
        });
    }

    @Override
    public String toString() {
        return consumer + ", " + operation;
    }

    /** Returns a line for each way in which a service with that schema breaks this contract. */
    List<String> brokenBy(String sdl) {
        GraphQLSchema schema = schema(sdl);
        Document parsed = Parser.parse(document);
        List<String> broken = new Validator()
                .validateDocument(schema, parsed, Locale.ROOT).stream()
                        .map(error -> this + ": " + error.getMessage())
                        .toList();
        if (!broken.isEmpty()) {
            return broken;
        }
        broken = new ArrayList<>();
        compare(
                "",
                data,
                ExecutableNormalizedOperationFactory.createExecutableNormalizedOperation(
                                schema,
                                parsed,
                                operation,
                                CoercedVariables.of(JsonMapper.shared().convertValue(variables, Map.class)))
                        .getTopLevelFields(),
                schema,
                broken);
        return broken;
    }

    private void compare(
            String path,
            JsonNode shape,
            List<ExecutableNormalizedField> fields,
            GraphQLSchema schema,
            List<String> broken) {
        shape.forEachEntry((key, value) -> {
            String name = name(key);
            List<ExecutableNormalizedField> found = fields.stream()
                    .filter(field -> field.getResultKey().equals(name))
                    .toList();
            if (found.isEmpty()) {
                broken.add(this + ": " + path + name + " is not in the operation");
            }
            for (ExecutableNormalizedField field : found) {
                field.getFieldDefinitions(schema)
                        .forEach(definition ->
                                compare(path + key, value, definition.getType(), field.getChildren(), schema, broken));
            }
        });
    }

    private void compare(
            String path,
            JsonNode shape,
            GraphQLType type,
            List<ExecutableNormalizedField> children,
            GraphQLSchema schema,
            List<String> broken) {
        if (!path.endsWith("?") && !(type instanceof GraphQLNonNull)) {
            broken.add(this + ": " + path + " may be null");
        }
        GraphQLType nullable = GraphQLTypeUtil.unwrapNonNull(type);
        if (shape.isArray() != nullable instanceof GraphQLList) {
            broken.add("%s: %s is of type %s".formatted(this, path, GraphQLTypeUtil.simplePrint(type)));
        } else if (nullable instanceof GraphQLList list) {
            shape.forEach(item -> compare(path + "[]", item, list.getWrappedType(), children, schema, broken));
        } else if (shape.isObject()) {
            compare(path + ".", shape, children, schema, broken);
        } else if (shape.isString() && !shape.asString().equals(GraphQLTypeUtil.simplePrint(nullable))) {
            broken.add("%s: %s is of type %s".formatted(this, path, GraphQLTypeUtil.simplePrint(nullable)));
        }
    }

    /** Returns a line for each difference between the response and the contract. */
    List<String> differences(JsonNode response) {
        List<String> differences = new ArrayList<>();
        if (response.has("errors")) {
            differences.add(this + ": " + response.get("errors"));
        }
        compare("data", data, response.path("data"), differences);
        return differences;
    }

    private void compare(String path, JsonNode shape, JsonNode actual, List<String> differences) {
        boolean asExpected = switch (shape.getNodeType()) {
            case OBJECT -> {
                shape.forEachEntry((key, value) -> {
                    JsonNode field = actual.path(name(key));
                    // An object that may be null must still be present, since the examples are chosen to have it.
                    if (!(key.endsWith("?") && value.isString() && field.isNull())) {
                        compare(path + "." + name(key), value, field, differences);
                    }
                });
                yield actual.isObject();
            }
            case ARRAY -> {
                shape.forEach(item -> actual.forEach(each -> compare(path + "[]", item, each, differences)));
                yield actual.isArray() && actual.isEmpty() == shape.isEmpty();
            }
            case STRING ->
                switch (shape.asString()) {
                    case "Int" -> actual.isInt();
                    case "Float" -> actual.isNumber();
                    case "Boolean" -> actual.isBoolean();
                    default -> actual.isString();
                };
            default -> actual.isNull();
        };
        if (!asExpected) {
            differences.add("%s: %s should be like %s, not %s".formatted(this, path, shape, actual));
        }
    }

    private static String name(String key) {
        return key.endsWith("?") ? key.substring(0, key.length() - 1) : key;
    }

    /** Removes directives: they do not affect the shape, and the text does not define those of Federation. */
    private static GraphQLSchema schema(String sdl) {
        Document document = Parser.parse(sdl);
        Document plain = (Document) new AstTransformer()
                .transform(
                        document.transform(builder -> builder.definitions(document.getDefinitions().stream()
                                .filter(definition -> !(definition instanceof SchemaExtensionDefinition))
                                .map(definition -> (Definition) definition)
                                .toList())),
                        new NodeVisitorStub() {
                            @Override
                            public TraversalControl visitDirective(Directive node, TraverserContext<Node> context) {
                                return TreeTransformerUtil.deleteNode(context);
                            }
                        });
        return UnExecutableSchemaGenerator.makeUnExecutableSchema(new SchemaParser().buildRegistry(plain));
    }

    private static Stream<Path> files(Path folder) {
        try (Stream<Path> files = Files.list(folder)) {
            return files.sorted().toList().stream();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
