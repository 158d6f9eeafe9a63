package dev.userdirectory.graphql.limit;

import com.netflix.graphql.types.errors.ErrorType;
import com.netflix.graphql.types.errors.TypedGraphQLError;
import graphql.ExecutionResult;
import java.util.Map;

/** The result of an operation whose response is so large that {@link RequestMemory} has no room for it now. */
public final class TooManyResponses {
    private TooManyResponses() {}

    /** Data that is null, not absent: the request was good, so it is not HTTP status 400. */
    public static ExecutionResult result() {
        return ExecutionResult.newExecutionResult()
                .data(null)
                .addError(TypedGraphQLError.newBuilder()
                        .errorType(ErrorType.UNAVAILABLE)
                        .message("Too many large responses are being sent: try again, or ask for less."
                                + " If the operation is a mutation, it was carried out")
                        .extensions(Map.of("code", "UNAVAILABLE"))
                        .build())
                .build();
    }
}
