package dev.userdirectory.graphql.limit;

import com.netflix.graphql.types.errors.ErrorType;
import com.netflix.graphql.types.errors.TypedGraphQLError;
import dev.userdirectory.error.ErrorCode;
import graphql.ExecutionResult;

/** The result of an operation whose response is too large for the {@link RequestMemory} that is currently free. */
public final class TooManyResponses {
    private TooManyResponses() {}

    /** Has {@code data: null} rather than no data: the request itself was valid, so its status is not 400. */
    public static ExecutionResult result() {
        return ExecutionResult.newExecutionResult()
                .data(null)
                .addError(TypedGraphQLError.newBuilder()
                        .errorType(ErrorType.UNAVAILABLE)
                        .message("Too many large responses are being sent: try again, or ask for less."
                                + " If the operation is a mutation, it was carried out")
                        .extensions(ErrorCode.UNAVAILABLE.extensions())
                        .build())
                .build();
    }
}
