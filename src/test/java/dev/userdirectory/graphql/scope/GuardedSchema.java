package dev.userdirectory.graphql.scope;

import graphql.language.ArrayValue;
import graphql.language.Definition;
import graphql.language.DirectivesContainer;
import graphql.language.FieldDefinition;
import graphql.language.InputObjectTypeDefinition;
import graphql.language.InputValueDefinition;
import graphql.language.ListType;
import graphql.language.NonNullType;
import graphql.language.ObjectTypeDefinition;
import graphql.language.StringValue;
import graphql.language.Type;
import graphql.language.TypeName;
import graphql.parser.Parser;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.springframework.core.io.Resource;
import org.springframework.core.io.support.PathMatchingResourcePatternResolver;

/** The schema as it is written, and for each of its guards an operation that this guard checks. */
class GuardedSchema {
    @SuppressWarnings("rawtypes")
    private final List<Definition> definitions = new ArrayList<>();

    GuardedSchema() throws IOException {
        for (Resource file : new PathMatchingResourcePatternResolver().getResources("classpath*:schema/*.graphqls")) {
            definitions.addAll(Parser.parse(file.getContentAsString(StandardCharsets.UTF_8))
                    .getDefinitions());
        }
    }

    /** An operation, the path that is denied, and the sets of scopes, each of which gives access to it. */
    record Guarded(String name, String document, Map<String, ?> variables, String path, List<Set<String>> anyOf) {
        @Override
        public String toString() {
            return name;
        }
    }

    /** For each field of the root type, which must be guarded, an operation with only this field. */
    Stream<Guarded> rootFields(String root) {
        return objectTypes()
                .filter(type -> type.getName().equals(root))
                .flatMap(type -> type.getFieldDefinitions().stream())
                .map(field -> new Guarded(
                        root + "." + field.getName(),
                        root.toLowerCase(Locale.ROOT) + " { " + call(field) + " }",
                        Map.of(),
                        "/" + field.getName(),
                        anyOf(field)));
    }

    /**
     * For each guarded type and each of its keys, an operation that reaches it through {@code _entities}. A scope for the
     * caller's own objects is not enough there.
     */
    Stream<Guarded> entities() {
        return objectTypes()
                .filter(GuardedSchema::isGuarded)
                .flatMap(type -> type.getDirectives("key").stream()
                        .map(key -> ((StringValue) key.getArgument("fields").getValue()).getValue())
                        .map(key -> new Guarded(
                                type.getName() + " by " + key,
                                "query ($representations: [_Any!]!) { _entities(representations: $representations)"
                                        + " { ... on " + type.getName() + " { " + key + " } } }",
                                Map.of(
                                        "representations",
                                        List.of(Map.of("__typename", type.getName(), key, "x@example.com"))),
                                "/_entities",
                                anyOf(type).stream()
                                        .filter(scopes -> !scopes.contains("users:self"))
                                        .toList())));
    }

    /** The guarded fields of types that are neither a root type nor an entity, such as {@code Viewer.user}. */
    Stream<String> otherFields() {
        return objectTypes()
                .filter(type -> !type.hasDirective("key")
                        && !Set.of("Query", "Mutation", "Subscription").contains(type.getName()))
                .flatMap(type -> type.getFieldDefinitions().stream()
                        .filter(GuardedSchema::isGuarded)
                        .map(field -> type.getName() + "." + field.getName()));
    }

    /** For each guarded field of an entity, an operation that reaches it through {@code _entities}. */
    Stream<Guarded> fieldsOfEntities() {
        return objectTypes()
                .filter(type -> type.hasDirective("key"))
                .flatMap(type -> type.getFieldDefinitions().stream()
                        .filter(GuardedSchema::isGuarded)
                        .map(field -> new Guarded(
                                type.getName() + "." + field.getName(),
                                "query ($representations: [_Any!]!) { _entities(representations: $representations)"
                                        + " { ... on " + type.getName() + " { id " + call(field) + " } } }",
                                Map.of("__typename", type.getName()),
                                "/_entities/0/" + field.getName(),
                                anyOf(field))));
    }

    long guards() {
        return objectTypes()
                .flatMap(type -> Stream.concat(Stream.of(type), type.getFieldDefinitions().stream()))
                .filter(GuardedSchema::isGuarded)
                .count();
    }

    private Stream<ObjectTypeDefinition> objectTypes() {
        return definitions.stream()
                .filter(ObjectTypeDefinition.class::isInstance)
                .map(ObjectTypeDefinition.class::cast);
    }

    private static boolean isGuarded(DirectivesContainer<?> element) {
        return element.hasDirective("requiresScopes") || element.hasDirective("authenticated");
    }

    private static List<Set<String>> anyOf(DirectivesContainer<?> element) {
        return element.getDirectives("requiresScopes").stream()
                .map(directive -> directive.getArgument("scopes"))
                .flatMap(scopes -> ((ArrayValue) scopes.getValue()).getValues().stream())
                .map(set -> ((ArrayValue) set)
                        .getValues().stream()
                                .map(scope -> ((StringValue) scope).getValue())
                                .collect(Collectors.toUnmodifiableSet()))
                .toList();
    }

    private String call(FieldDefinition field) {
        String arguments = field.getInputValueDefinitions().stream()
                .filter(GuardedSchema::isRequired)
                .map(argument -> argument.getName() + ": " + value(argument.getType()))
                .collect(Collectors.joining(", "));
        return field.getName() + (arguments.isEmpty() ? "" : "(" + arguments + ")") + " { __typename }";
    }

    private static boolean isRequired(InputValueDefinition input) {
        return input.getType() instanceof NonNullType && input.getDefaultValue() == null;
    }

    private String value(Type<?> type) {
        return switch (type) {
            case NonNullType nonNull -> value(nonNull.getType());
            case ListType list -> "[" + value(list.getType()) + "]";
            default -> value(((TypeName) type).getName());
        };
    }

    private String value(String type) {
        return definitions.stream()
                .filter(InputObjectTypeDefinition.class::isInstance)
                .map(InputObjectTypeDefinition.class::cast)
                .filter(input -> input.getName().equals(type))
                .findFirst()
                .map(input -> input.getInputValueDefinitions().stream()
                        .filter(GuardedSchema::isRequired)
                        .map(field -> field.getName() + ": " + value(field.getType()))
                        .collect(Collectors.joining(", ", "{", "}")))
                .orElse("\"x\"");
    }
}
