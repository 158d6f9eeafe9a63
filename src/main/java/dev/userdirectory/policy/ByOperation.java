package dev.userdirectory.policy;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import graphql.execution.ExecutionContext;
import graphql.normalized.ExecutableNormalizedOperation;
import graphql.schema.GraphQLSchema;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;

/**
 * What the schema says of an operation, worked out once for each document and each form of its variables, the least used
 * forgotten first: their numbers, what they include and how long their lists are. What their text is matters to nobody
 * who only counts.
 */
public final class ByOperation<T> {
    private final BiFunction<ExecutableNormalizedOperation, GraphQLSchema, T> question;
    private final Cache<Operation, T> answers;

    /** @param question its answer is small, and does not depend on any text in the variables */
    public ByOperation(BiFunction<ExecutableNormalizedOperation, GraphQLSchema, T> question, MemoryProperties memory) {
        this.question = question;
        answers = Caffeine.newBuilder()
                .maximumWeight(memory.bytesPerOperationCache())
                .<Operation, T>weigher((operation, answer) -> operation.bytes())
                .build();
    }

    public T of(ExecutionContext context) {
        // Noted for who asks another question.
        Operation operation = context.getGraphQLContext()
                .computeIfAbsent(
                        Operation.class,
                        key -> new Operation(
                                context.getExecutionInput().getQuery(),
                                context.getExecutionInput().getOperationName(),
                                form(context.getCoercedVariables().toMap())));
        T answer = answers.getIfPresent(operation);
        if (answer == null) {
            answer = question.apply(context.getNormalizedQueryTree().get(), context.getGraphQLSchema());
            answers.put(operation, answer);
        }
        return answer;
    }

    private static @Nullable Object form(@Nullable Object value) {
        return switch (value) {
            case Map<?, ?> fields -> {
                Map<Object, @Nullable Object> forms = HashMap.newHashMap(fields.size());
                fields.forEach((name, field) -> forms.put(name, form(field)));
                yield forms;
            }
            case Collection<?> list -> list.stream().map(ByOperation::form).toList();
            case Integer number -> number;
            case Boolean condition -> condition;
            case null -> null;
            default -> "";
        };
    }

    private record Operation(
            String document,
            @Nullable String name,
            @Nullable Object variables) {
        int bytes() {
            return Weight.sum(Weight.ENTRY
                    + 2L * Weight.OBJECT
                    + Weight.of(document)
                    + Weight.of(name)
                    + Weight.ofJson(variables));
        }
    }
}
