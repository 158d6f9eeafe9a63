package dev.userdirectory.graphql.operation;

import com.netflix.graphql.types.errors.ErrorType;
import com.netflix.graphql.types.errors.TypedGraphQLError;
import dev.userdirectory.error.ErrorCode;
import graphql.ExecutionResult;
import graphql.GraphQLError;
import graphql.execution.AbortExecutionException;
import graphql.language.VariableReference;
import java.util.List;
import java.util.Map;

/**
 * Thrown when a variable is null where null is not allowed. It is reported as a field error: the response has
 * {@code data: null}.
 */
final class NullVariable extends AbortExecutionException {
    NullVariable(GraphQLError error) {
        super(List.of(error));
    }

    /**
     * @param argument the path to the value from its argument, as in {@code users.3.email}
     * @param field the path of the field; empty for a directive at the root
     */
    static GraphQLError error(String argument, VariableReference variable, List<Object> field) {
        TypedGraphQLError.Builder error = TypedGraphQLError.newBuilder()
                .errorType(ErrorType.BAD_REQUEST)
                .message(
                        "%s",
                        Quote.of("Argument `" + argument + "` must not be null, and variable `" + variable.getName()
                                + "` is"))
                .extensions(ErrorCode.BAD_USER_INPUT.extensions(Map.of("argument", Quote.of(argument))));
        if (variable.getSourceLocation() != null) {
            error.location(variable.getSourceLocation());
        }
        if (!field.isEmpty()) {
            error.path(field);
        }
        return error.build();
    }

    @Override
    public ExecutionResult toExecutionResult() {
        return super.toExecutionResult().transform(result -> result.data(null));
    }
}
