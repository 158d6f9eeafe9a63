package dev.userdirectory.graphql.limit;

import graphql.language.Argument;
import graphql.normalized.ExecutableNormalizedField;
import graphql.normalized.ExecutableNormalizedOperation;
import graphql.schema.GraphQLAppliedDirective;
import graphql.schema.GraphQLAppliedDirectiveArgument;
import graphql.schema.GraphQLArgument;
import graphql.schema.GraphQLCompositeType;
import graphql.schema.GraphQLDirectiveContainer;
import graphql.schema.GraphQLFieldDefinition;
import graphql.schema.GraphQLInputFieldsContainer;
import graphql.schema.GraphQLInputObjectField;
import graphql.schema.GraphQLList;
import graphql.schema.GraphQLNamedType;
import graphql.schema.GraphQLSchema;
import graphql.schema.GraphQLType;
import graphql.schema.GraphQLTypeUtil;
import java.util.Arrays;
import java.util.Collection;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/**
 * The maximum cost of an operation, by the rules of Apollo Federation's demand control: 1 for each object and input
 * object, 0 for each scalar and enum, or the {@code weight} of its {@code @cost}. The cost is multiplied by the length
 * of each surrounding list, according to its {@code @listSize}. A mutation costs an additional 10, and a representation
 * with an e-mail address as its key an additional 8. A field that describes the schema costs 100, whatever it selects.
 *
 * <p>A list without {@code @listSize} is assumed to be as long as the longest list among the arguments of its field or
 * of the surrounding field: {@code _entities(representations:)}, {@code nodes(ids:)}, {@code createUsers(users:)}. If a
 * slicing argument is a list, its length counts.
 */
public class Cost {
    private static final int MUTATION = 10;
    private static final int SCHEMA = 100;
    private static final int BY_EMAIL = 8;
    /** The cost of the header {@code Idempotency-Key}: the {@code weight} of the argument that does the same. */
    public static final int KEY = 10;

    private final GraphQLSchema schema;
    private final int defaultListSize;

    private Cost(GraphQLSchema schema, int defaultListSize) {
        this.schema = schema;
        this.defaultListSize = defaultListSize;
    }

    /** @param operation with the values of its variables, and without skipped selections */
    public static long of(ExecutableNormalizedOperation operation, GraphQLSchema schema, int defaultListSize) {
        Cost cost = new Cost(schema, defaultListSize);
        double sum = switch (operation.getOperation()) {
            case MUTATION -> MUTATION;
            case QUERY, SUBSCRIPTION -> 0;
        };
        for (ExecutableNormalizedField field : operation.getTopLevelFields()) {
            sum += cost.of(field, OptionalInt.empty(), OptionalInt.empty());
        }
        return Math.round(Math.max(0, sum));
    }

    /**
     * @param sized the length of the list according to the {@code sizedFields} of the surrounding field
     * @param given the length of the longest list among the arguments of the surrounding field
     */
    private double of(ExecutableNormalizedField field, OptionalInt sized, OptionalInt given) {
        if (field.getFieldName().equals("__typename")) {
            return 0;
        }
        if (field.getFieldName().startsWith("__") || field.getFieldName().equals("_service")) {
            return SCHEMA;
        }
        GraphQLFieldDefinition definition = field.getFieldDefinitions(schema).getFirst();
        ListSize listSize = ListSize.of(field, definition);
        OptionalInt longest = ListSize.longestArgument(field);
        GraphQLType type = GraphQLTypeUtil.unwrapAll(definition.getType());

        double each = weight(definition, type, type instanceof GraphQLCompositeType ? 1 : 0);
        for (ExecutableNormalizedField child : field.getChildren()) {
            each += of(child, listSize.ofChild(child), longest);
        }
        return times(definition, sized, listSize.expected(), longest, given) * each + arguments(field, definition);
    }

    private long times(GraphQLFieldDefinition definition, OptionalInt... bestFirst) {
        if (!GraphQLTypeUtil.isList(GraphQLTypeUtil.unwrapNonNull(definition.getType()))) {
            return 1;
        }
        return Arrays.stream(bestFirst)
                .filter(OptionalInt::isPresent)
                .findFirst()
                .orElse(OptionalInt.of(defaultListSize))
                .getAsInt();
    }

    private double arguments(ExecutableNormalizedField field, GraphQLFieldDefinition definition) {
        double sum = 0;
        for (Argument given : field.getAstArguments()) {
            GraphQLArgument argument = definition.getArgument(given.getName());
            sum += input(
                    argument, argument.getType(), field.getResolvedArguments().get(given.getName()));
        }
        return sum;
    }

    private double input(GraphQLDirectiveContainer definition, GraphQLType type, @Nullable Object value) {
        GraphQLType unwrapped = GraphQLTypeUtil.unwrapAll(type);
        if (value == null) {
            return 0;
        }
        // A scalar such as _Any may contain lists as well, which a document can repeat by a variable.
        if (value instanceof Collection<?> list
                && GraphQLTypeUtil.unwrapNonNull(type) instanceof GraphQLList declared) {
            double sum = weight(definition, unwrapped, 0);
            for (Object element : list) {
                sum += input(definition, declared.getWrappedType(), element);
            }
            return sum;
        }
        if (unwrapped instanceof GraphQLInputFieldsContainer object && value instanceof Map<?, ?> fields) {
            double sum = weight(definition, unwrapped, 1);
            for (Map.Entry<?, ?> given : fields.entrySet()) {
                GraphQLInputObjectField field = object.getFieldDefinition(String.valueOf(given.getKey()));
                sum += input(field, field.getType(), given.getValue());
            }
            return sum;
        }
        return weight(definition, unwrapped, 0) + representation(unwrapped, value);
    }

    /** A representation without an ID is looked up by address, and costs as much as the argument of userByEmail. */
    private double representation(GraphQLType type, Object value) {
        return type instanceof GraphQLNamedType named
                        && named.getName().equals("_Any")
                        && value instanceof Map<?, ?> fields
                        && fields.get("id") == null
                        && fields.get("email") != null
                ? BY_EMAIL
                : 0;
    }

    /** The {@code weight} of the field or argument, or else of its type. */
    private static double weight(GraphQLDirectiveContainer element, GraphQLType type, int otherwise) {
        return directive(element, "cost")
                .or(() -> type instanceof GraphQLDirectiveContainer named ? directive(named, "cost") : Optional.empty())
                .map(cost -> value(cost, "weight"))
                .map(weight -> Double.parseDouble(String.valueOf(weight)))
                .orElse((double) otherwise);
    }

    /** Finds a directive by its imported name, or by the prefixed name that it has otherwise. */
    static Optional<GraphQLAppliedDirective> directive(GraphQLDirectiveContainer element, String name) {
        return element.getAppliedDirectives().stream()
                .filter(directive ->
                        directive.getName().equals(name) || directive.getName().equals("federation__" + name))
                .findFirst();
    }

    static @Nullable Object value(GraphQLAppliedDirective directive, String name) {
        GraphQLAppliedDirectiveArgument argument = directive.getArgument(name);
        return argument == null ? null : argument.getValue();
    }
}
