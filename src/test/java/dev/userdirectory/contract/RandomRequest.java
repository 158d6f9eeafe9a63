package dev.userdirectory.contract;

import graphql.introspection.Introspection;
import graphql.schema.GraphQLArgument;
import graphql.schema.GraphQLCompositeType;
import graphql.schema.GraphQLEnumType;
import graphql.schema.GraphQLEnumValueDefinition;
import graphql.schema.GraphQLFieldDefinition;
import graphql.schema.GraphQLFieldsContainer;
import graphql.schema.GraphQLInputObjectField;
import graphql.schema.GraphQLInputObjectType;
import graphql.schema.GraphQLInterfaceType;
import graphql.schema.GraphQLList;
import graphql.schema.GraphQLNamedType;
import graphql.schema.GraphQLObjectType;
import graphql.schema.GraphQLSchema;
import graphql.schema.GraphQLType;
import graphql.schema.GraphQLTypeUtil;
import graphql.schema.GraphQLUnionType;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.json.JsonWriteFeature;
import tools.jackson.databind.json.JsonMapper;

/**
 * Generates random requests for a schema, most of them valid, some with a mistake. A document has up to three
 * operations with fragments, aliases, directives and variables, and is sent with several sets of variables.
 */
final class RandomRequest {
    private static final JsonMapper JSON =
            JsonMapper.builder().enable(JsonWriteFeature.ESCAPE_NON_ASCII).build();
    private static final int MAX_DEPTH = 5;
    /** The probability of a mistake at each place that can have one. A document has about a hundred such places. */
    private static final double MISTAKE = 0.002;
    /** The probability of a value of the wrong kind. */
    private static final double WRONG_KIND = 0.015;
    /** Fields whose values differ each time a mutation is executed. */
    private static final Set<String> CHANGED_BY_MUTATIONS =
            Set.of("id", "createdAt", "updatedAt", "version", "groups", "members");
    /** Fields that show `@defer`, which graphql-java adds to every schema and this service hides. */
    private static final Set<String> DIRECTIVES = Set.of("directives");

    private final Random random;
    private final GraphQLSchema schema;
    private final Map<String, List<Object>> values;

    private final List<Fragment> fragments = new ArrayList<>();
    private final Map<String, Variable> variables = new LinkedHashMap<>();
    private int names;

    /** @param values meaningful values by argument or input field, as in {@code Query.user.id}, or by scalar */
    private RandomRequest(Random random, GraphQLSchema schema, Map<String, List<Object>> values) {
        this.random = random;
        this.schema = schema;
        this.values = values;
    }

    /** @param scopes the caller's scopes */
    record Request(
            String document,
            Map<String, @Nullable Object> variables,
            @Nullable String operationName,
            String scopes) {
        Map<String, @Nullable Object> body() {
            Map<String, @Nullable Object> body = new LinkedHashMap<>(Map.of("query", document, "variables", variables));
            body.put("operationName", operationName);
            return body;
        }

        @Override
        public String toString() {
            return JSON.writeValueAsString(body()) + " with " + scopes;
        }
    }

    private record Fragment(String name, GraphQLCompositeType type, Scope scope, String text) {}

    private record Variable(String name, GraphQLType type, String declaredType, String key, String defaultValue) {
        String declaration() {
            return "$" + name + ": " + declaredType + (defaultValue.isEmpty() ? "" : " = " + defaultValue);
        }
    }

    private record Reference(String variable) {}

    private record EnumValue(String name) {}

    /** The part of the document that is being generated: an operation or a fragment. */
    private record Scope(boolean mutation, Set<String> variables) {}

    static List<Request> next(Random random, GraphQLSchema schema, Map<String, List<Object>> values) {
        return new RandomRequest(random, schema, values).requests();
    }

    private List<Request> requests() {
        int count = chance(0.15) ? 2 + random.nextInt(2) : 1;
        List<String> operations = new ArrayList<>();
        List<String> operationNames = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            String name = mistake() ? "Op0" : "Op" + i;
            boolean anonymous = count == 1 ? chance(0.4) : mistake();
            if (!anonymous) {
                operationNames.add(name);
            }
            operations.add(operation(anonymous ? "" : name));
        }
        fragments.forEach(fragment -> operations.add(fragment.text()));
        if (mistake()) {
            operations.add("fragment Unused on User { id }");
        }
        String document = String.join("\n", operations);
        if (mistake()) {
            int position = random.nextInt(document.length());
            document = document.substring(0, position) + document.substring(position + 1);
        }
        List<Request> requests = new ArrayList<>();
        for (int i = variables.isEmpty() && count == 1 ? 1 : 3; i > 0; i--) {
            String scopes =
                    chance(0.85) ? "users:read users:write" : pick(List.of("users:read", "users:write", "other"));
            requests.add(new Request(document, variableValues(), operationName(operationNames, count), scopes));
        }
        return requests;
    }

    private @Nullable String operationName(List<String> given, int operations) {
        if (chance(0.03)) {
            return pick(Arrays.asList("", "Unknown", null));
        }
        return given.isEmpty() || (operations == 1 && chance(0.5)) ? null : pick(given);
    }

    private String operation(String name) {
        double kind = random.nextDouble();
        Scope scope = new Scope(kind < 0.12, new TreeSet<>());
        boolean subscription = kind > 0.995;
        GraphQLObjectType root = Objects.requireNonNull(
                scope.mutation()
                        ? schema.getMutationType()
                        : subscription ? schema.getSubscriptionType() : schema.getQueryType());
        String selections = selections(root, 0, scope);
        String directives = mistake() ? directives(scope) : "";
        if (mistake()) {
            scope.variables()
                    .add(newVariable(schema.getType("Int"), "Query.users.first").name());
        }
        String declarations = scope.variables().stream()
                .filter(variable -> !mistake())
                .map(variable -> Objects.requireNonNull(variables.get(variable)).declaration())
                .collect(Collectors.joining(", "));
        String keyword = scope.mutation() ? "mutation" : subscription ? "subscription" : "query";
        return name.isEmpty() && declarations.isEmpty() && directives.isEmpty() && keyword.equals("query")
                ? selections
                : keyword + " " + name + (declarations.isEmpty() ? "" : "(" + declarations + ")") + directives + " "
                        + selections;
    }

    private String selections(GraphQLCompositeType type, int depth, Scope scope) {
        List<String> selections = new ArrayList<>();
        for (int i = depth == 0 ? random.nextInt(2) : random.nextInt(4); i >= 0; i--) {
            double kind = random.nextDouble();
            if (kind < 0.08) {
                selections.add(inlineFragment(type, depth, scope));
            } else if (kind < 0.16) {
                selections.add(spread(type, depth, scope));
            } else {
                selections.add(field(type, depth, scope));
            }
        }
        return "{ " + String.join(" ", selections) + " }";
    }

    private String inlineFragment(GraphQLCompositeType type, int depth, Scope scope) {
        GraphQLCompositeType condition = condition(type);
        String on = condition.equals(type) && chance(0.5) ? "" : " on " + condition.getName();
        return "..." + on + optionalDirectives(scope) + " " + selections(condition, depth, scope);
    }

    private String spread(GraphQLCompositeType type, int depth, Scope scope) {
        GraphQLCompositeType condition = condition(type);
        List<Fragment> known = fragments.stream()
                .filter(fragment ->
                        fragment.type().equals(condition) && fragment.scope().mutation() == scope.mutation())
                .toList();
        Fragment fragment;
        if (known.isEmpty() || chance(0.5)) {
            Scope own = new Scope(scope.mutation(), new TreeSet<>());
            String name = "F" + names++;
            String text = "fragment " + name + " on " + condition.getName() + " " + selections(condition, depth, own);
            fragment = new Fragment(name, condition, own, text);
            fragments.add(fragment);
        } else {
            fragment = pick(known);
        }
        scope.variables().addAll(fragment.scope().variables());
        return "..." + (mistake() ? "Unknown" : fragment.name()) + optionalDirectives(scope);
    }

    /** Returns the type itself, or another type that its objects can have. */
    private GraphQLCompositeType condition(GraphQLCompositeType type) {
        if (mistake()) {
            return schema.getObjectType("User");
        }
        List<GraphQLCompositeType> conditions = new ArrayList<>(List.of(type));
        switch (type) {
            case GraphQLInterfaceType abstractType -> conditions.addAll(schema.getImplementations(abstractType));
            case GraphQLUnionType union ->
                union.getTypes().forEach(each -> conditions.add((GraphQLCompositeType) each));
            case GraphQLObjectType object ->
                object.getInterfaces().forEach(each -> conditions.add((GraphQLCompositeType) each));
            default -> throw new IllegalArgumentException(type.getName());
        }
        return pick(conditions);
    }

    private String field(GraphQLCompositeType type, int depth, Scope scope) {
        if (mistake()) {
            return "unknown";
        }
        GraphQLFieldDefinition field = pick(fields(type, depth, scope));
        StringBuilder text = new StringBuilder();
        if (!field.getArguments().isEmpty() && chance(0.93)) {
            text.append("a").append(names++).append(": "); // prevents conflicts with the same field elsewhere
        } else if (chance(0.06)) {
            text.append(pick(List.of("a: ", "b: ", "c: ", "d: ", "e: ", "f: ", "aLongerAlias: ")));
        }
        text.append(field.getName());
        String arguments = field.getArguments().stream()
                .filter(argument -> isNeeded(argument.getType(), argument.hasSetDefaultValue()))
                .map(argument -> argument(type.getName() + "." + field.getName(), argument, scope))
                .collect(Collectors.joining(", "));
        if (mistake()) {
            arguments += " unknown: 1";
        }
        if (!arguments.isEmpty()) {
            text.append('(').append(arguments).append(')');
        }
        text.append(optionalDirectives(scope));
        GraphQLType value = GraphQLTypeUtil.unwrapAll(field.getType());
        if (value instanceof GraphQLCompositeType composite && !mistake()) {
            text.append(' ').append(selections(composite, depth + 1, scope));
        } else if (mistake()) {
            text.append(" { id }");
        }
        return text.toString();
    }

    private List<GraphQLFieldDefinition> fields(GraphQLCompositeType type, int depth, Scope scope) {
        List<GraphQLFieldDefinition> fields = new ArrayList<>();
        if (type instanceof GraphQLFieldsContainer container) {
            container.getFieldDefinitions().stream()
                    .filter(field -> depth < MAX_DEPTH
                            || !(GraphQLTypeUtil.unwrapAll(field.getType()) instanceof GraphQLCompositeType))
                    .filter(field -> !(scope.mutation() && CHANGED_BY_MUTATIONS.contains(field.getName())))
                    .filter(field -> !type.getName().equals("__Schema") || !DIRECTIVES.contains(field.getName()))
                    .forEach(fields::add);
        }
        boolean queryType = type.equals(schema.getQueryType());
        if (fields.isEmpty() || chance(queryType ? 0.02 : 0.1)) {
            return List.of(Introspection.TypeNameMetaFieldDef);
        }
        return queryType && chance(0.03)
                ? List.of(schema.getIntrospectionSchemaFieldDefinition(), schema.getIntrospectionTypeFieldDefinition())
                : fields;
    }

    private boolean isNeeded(GraphQLType type, boolean hasDefault) {
        boolean required = GraphQLTypeUtil.isNonNull(type) && !hasDefault;
        return required ? !mistake() : chance(0.3);
    }

    private String argument(String field, GraphQLArgument argument, Scope scope) {
        String key = field + "." + argument.getName();
        return argument.getName() + ": " + literal(value(argument.getType(), key, scope));
    }

    private String optionalDirectives(Scope scope) {
        return chance(0.07) ? directives(scope) : "";
    }

    private String directives(Scope scope) {
        if (mistake()) {
            return pick(List.of(" @unknown", " @skip", " @include(if: 1)", " @deprecated"));
        }
        GraphQLType condition = Objects.requireNonNull(schema.getDirective("include"))
                .getArgument("if")
                .getType();
        String one = pick(List.of("skip", "include"));
        String text = " @" + one + "(if: " + literal(value(condition, "if", scope)) + ")";
        if (!chance(0.15)) {
            return text;
        }
        String other = mistake() ? one : one.equals("skip") ? "include" : "skip";
        return text + " @" + other + "(if: " + literal(value(condition, "if", scope)) + ")";
    }

    /** @param scope the scope whose variables may be used, or null */
    private @Nullable Object value(GraphQLType type, String key, @Nullable Scope scope) {
        if (scope != null && chance(0.35)) {
            return new Reference(variable(type, key, scope));
        }
        if (GraphQLTypeUtil.isNonNull(type)) {
            return mistake() ? null : valueNotNull(GraphQLTypeUtil.unwrapNonNull(type), key, scope);
        }
        return chance(0.1) ? null : valueNotNull(type, key, scope);
    }

    private @Nullable Object valueNotNull(GraphQLType type, String key, @Nullable Scope scope) {
        if (chance(WRONG_KIND)) {
            return valueOfAnyKind();
        }
        return switch (type) {
            case GraphQLList list -> {
                if (chance(0.1)) {
                    yield value(list.getWrappedType(), key, scope); // becomes a list of one
                }
                List<@Nullable Object> elements = new ArrayList<>();
                for (int i = random.nextInt(4); i > 0; i--) {
                    elements.add(value(list.getWrappedType(), key, scope));
                }
                yield elements;
            }
            case GraphQLInputObjectType object -> {
                Map<String, @Nullable Object> fields = new LinkedHashMap<>();
                for (GraphQLInputObjectField field : object.getFieldDefinitions()) {
                    if (isNeeded(field.getType(), field.hasSetDefaultValue())) {
                        String fieldKey = object.getName() + "." + field.getName();
                        fields.put(field.getName(), value(field.getType(), fieldKey, scope));
                    }
                }
                if (mistake()) {
                    fields.put("unknown", 1);
                }
                yield fields;
            }
            case GraphQLEnumType enumType ->
                new EnumValue(pick(enumType.getValues().stream()
                        .map(GraphQLEnumValueDefinition::getName)
                        .toList()));
            default -> {
                List<Object> known = values.get(key);
                yield pick(
                        known == null
                                ? Objects.requireNonNull(values.get(((GraphQLNamedType) type).getName()))
                                : known);
            }
        };
    }

    private @Nullable Object valueOfAnyKind() {
        return pick(Arrays.asList(
                null,
                true,
                1,
                1.5,
                4.0,
                12345678901L,
                "text",
                "\ud83e\udd8a",
                "\ud800",
                new EnumValue("NAME"),
                List.of(),
                List.of(1.5),
                List.of(List.of("x")),
                Map.of(),
                Map.of("field", "AGE")));
    }

    private String variable(GraphQLType type, String key, Scope scope) {
        List<String> known = variables.values().stream()
                .filter(variable ->
                        (variable.type().equals(type) && variable.key().equals(key)) || mistake())
                .map(Variable::name)
                .toList();
        String name = known.isEmpty() || chance(0.6) ? newVariable(type, key).name() : pick(known);
        scope.variables().add(name);
        return name;
    }

    /** Often nullable with a default, which validation allows even where the type of the place is non-null. */
    private Variable newVariable(GraphQLType type, String key) {
        String name = "v" + names++;
        String nullable = GraphQLTypeUtil.simplePrint(GraphQLTypeUtil.unwrapNonNull(type));
        GraphQLType ofDefault = type;
        boolean nonNull;
        boolean hasDefault;
        if (GraphQLTypeUtil.isNonNull(type)) {
            nonNull = chance(0.6);
            hasDefault = nonNull ? chance(0.1) : !mistake();
        } else {
            nonNull = chance(0.2);
            hasDefault = chance(0.4);
            ofDefault = nonNull ? GraphQLTypeUtil.unwrapNonNull(type) : type;
        }
        String declared =
                mistake() ? pick(List.of("String", "ID!", "[Int]", "UserFilter", "User", "Unknown")) : nullable;
        Variable variable = new Variable(
                name,
                type,
                declared + (nonNull ? "!" : ""),
                key,
                hasDefault ? literal(value(ofDefault, key, null)) : "");
        variables.put(name, variable);
        return variable;
    }

    private Map<String, @Nullable Object> variableValues() {
        Map<String, @Nullable Object> given = new HashMap<>();
        for (Variable variable : variables.values()) {
            boolean nonNull = variable.declaredType().endsWith("!");
            boolean optional = !nonNull || !variable.defaultValue().isEmpty();
            if (optional ? chance(0.3) : mistake()) {
                continue;
            }
            Object value;
            if (nonNull ? mistake() : chance(0.12)) {
                value = null;
            } else if (chance(WRONG_KIND)) {
                value = valueOfAnyKind();
            } else {
                value = valueNotNull(GraphQLTypeUtil.unwrapNonNull(variable.type()), variable.key(), null);
            }
            given.put(variable.name(), json(value));
        }
        if (mistake()) {
            given.put("undeclared", 1);
        }
        return given;
    }

    private static @Nullable Object json(@Nullable Object value) {
        return switch (value) {
            case EnumValue enumValue -> enumValue.name();
            case List<?> list ->
                list.stream().map(RandomRequest::json).collect(Collectors.toCollection(ArrayList::new));
            case Map<?, ?> map -> {
                Map<Object, @Nullable Object> members = new LinkedHashMap<>();
                map.forEach((name, member) -> members.put(name, json(member)));
                yield members;
            }
            case null -> null;
            default -> value;
        };
    }

    private static String literal(@Nullable Object value) {
        return switch (value) {
            case EnumValue enumValue -> enumValue.name();
            case Reference reference -> "$" + reference.variable();
            case List<?> list -> list.stream().map(RandomRequest::literal).collect(Collectors.joining(", ", "[", "]"));
            case Map<?, ?> map ->
                map.entrySet().stream()
                        .map(member -> member.getKey() + ": " + literal(member.getValue()))
                        .collect(Collectors.joining(", ", "{", "}"));
            case null -> "null";
            default -> JSON.writeValueAsString(value);
        };
    }

    private boolean mistake() {
        return chance(MISTAKE);
    }

    private boolean chance(double probability) {
        return random.nextDouble() < probability;
    }

    private <T extends @Nullable Object> T pick(List<T> from) {
        return from.get(random.nextInt(from.size()));
    }
}
