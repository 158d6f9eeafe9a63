package dev.userdirectory.graphql.limit;

import com.netflix.graphql.types.errors.ErrorType;
import com.netflix.graphql.types.errors.TypedGraphQLError;
import dev.userdirectory.error.ErrorCode;
import graphql.normalized.ExecutableNormalizedField;
import graphql.schema.GraphQLAppliedDirective;
import graphql.schema.GraphQLFieldDefinition;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/**
 * The lengths of lists according to the {@code @listSize} of a field.
 *
 * @param expected the largest slicing argument, or else the assumed size
 * @param sizedFields the fields of the returned object that have this length, if the field is not a list itself
 */
record ListSize(OptionalInt expected, List<?> sizedFields) {
    private static final ListSize UNKNOWN = new ListSize(OptionalInt.empty(), List.of());

    static ListSize of(ExecutableNormalizedField field, GraphQLFieldDefinition definition) {
        return Cost.directive(definition, "listSize")
                .map(listSize -> new ListSize(expected(field, listSize), list(listSize, "sizedFields")))
                .orElse(UNKNOWN);
    }

    /** The length of a field of the returned object. */
    OptionalInt ofChild(ExecutableNormalizedField child) {
        return sizedFields.contains(child.getFieldName()) ? expected : OptionalInt.empty();
    }

    /** The length of the longest list among the arguments of a field. */
    static OptionalInt longestArgument(ExecutableNormalizedField field) {
        return field.getResolvedArguments().values().stream()
                .filter(Collection.class::isInstance)
                .mapToInt(ListSize::size)
                .max();
    }

    private static OptionalInt expected(ExecutableNormalizedField field, GraphQLAppliedDirective listSize) {
        List<?> names = list(listSize, "slicingArguments");
        int[] sizes = names.stream()
                .map(name -> argument(field.getResolvedArguments(), String.valueOf(name)))
                .filter(Objects::nonNull)
                .mapToInt(ListSize::size)
                .toArray();
        boolean requireOne = !names.isEmpty() && Boolean.TRUE.equals(Cost.value(listSize, "requireOneSlicingArgument"));
        if (requireOne && sizes.length != 1) {
            throw LimitExceeded.abort(TypedGraphQLError.newBuilder()
                    .errorType(ErrorType.BAD_REQUEST)
                    .message(
                            "Field `%s` needs exactly one of the arguments %s, not %s",
                            field.getName(), names, sizes.length)
                    .extensions(ErrorCode.BAD_USER_INPUT.extensions())
                    .build());
        }
        OptionalInt largest = Arrays.stream(sizes).max();
        return largest.isEmpty() && Cost.value(listSize, "assumedSize") instanceof Integer assumed
                ? OptionalInt.of(assumed)
                : largest;
    }

    /** @param path the name of an argument, or the path to a field inside one, as in {@code input.page.first} */
    private static @Nullable Object argument(Map<String, Object> arguments, String path) {
        Object value = arguments;
        for (String name : path.split("\\.", -1)) {
            value = value instanceof Map<?, ?> fields ? fields.get(name) : null;
        }
        return value;
    }

    private static int size(@Nullable Object value) {
        return switch (value) {
            case Integer size -> Math.max(0, size);
            case Collection<?> list -> list.size();
            case null -> 0;
            default -> 0;
        };
    }

    private static List<?> list(GraphQLAppliedDirective directive, String argument) {
        return Cost.value(directive, argument) instanceof List<?> list ? list : List.of();
    }
}
