package dev.userdirectory.graphql.operation;

import com.netflix.graphql.types.errors.ErrorType;
import com.netflix.graphql.types.errors.TypedGraphQLError;
import dev.userdirectory.database.Deadline;
import dev.userdirectory.database.StandbyStalled;
import dev.userdirectory.error.ErrorCode;
import dev.userdirectory.graphql.scope.Refused;
import dev.userdirectory.input.BadUserInput;
import graphql.GraphQLError;
import graphql.execution.DataFetcherExceptionHandler;
import graphql.execution.DataFetcherExceptionHandlerParameters;
import graphql.execution.DataFetcherExceptionHandlerResult;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.core.NestedExceptionUtils;
import org.springframework.stereotype.Component;

/**
 * Turns the exceptions of fields into errors. Unexpected exceptions are logged under an ID, which the error contains.
 */
@Component
public class ErrorHandler implements DataFetcherExceptionHandler {
    private static final Logger log = LoggerFactory.getLogger(ErrorHandler.class);
    private static final LoggedErrors logged = new LoggedErrors();

    @Override
    public CompletableFuture<DataFetcherExceptionHandlerResult> handleException(
            DataFetcherExceptionHandlerParameters parameters) {
        GraphQLError error = error(unwrap(parameters.getException()), parameters);
        return CompletableFuture.completedFuture(
                DataFetcherExceptionHandlerResult.newResult(error).build());
    }

    private static GraphQLError error(Throwable exception, DataFetcherExceptionHandlerParameters parameters) {
        if (exception instanceof Refused refused) {
            return refused.error();
        }
        if (exception instanceof BadUserInput bad) {
            return TypedGraphQLError.newBuilder()
                    .path(parameters.getPath())
                    .location(parameters.getSourceLocation())
                    .errorType(ErrorType.BAD_REQUEST)
                    .message(bad.getMessage())
                    .extensions(ErrorCode.BAD_USER_INPUT.extensions(Map.of("argument", bad.argument())))
                    .build();
        }
        if (exception instanceof StandbyStalled stalled) {
            return TypedGraphQLError.newBuilder()
                    .path(parameters.getPath())
                    .location(parameters.getSourceLocation())
                    .errorType(ErrorType.UNAVAILABLE)
                    .message(stalled.getMessage())
                    .extensions(stalled.code().extensions())
                    .build();
        }
        return unforeseen(exception, parameters.getPath())
                .path(parameters.getPath())
                .location(parameters.getSourceLocation())
                .build();
    }

    /** Logs the exception under a new ID, unless it is only a consequence of stopping the operation. */
    public static TypedGraphQLError.Builder unforeseen(Throwable exception, Object where) {
        String id = UUID.randomUUID().toString();
        Deadline deadline = Deadline.current();
        if (deadline == null || !deadline.isOver()) {
            String first = logged.put(exception, id);
            if (first.equals(id)) {
                log.error("Error {} at {}", id, where, exception);
            } else {
                log.error(
                        "Error {} at {}, with the stack trace of {}: {}",
                        id,
                        where,
                        first,
                        NestedExceptionUtils.getMostSpecificCause(exception).toString());
            }
        }
        return TypedGraphQLError.newBuilder()
                .errorType(ErrorType.INTERNAL)
                .message("The service failed to process this; its log has the cause under the ID " + id
                        + ". Whether a mutation took effect is unknown.")
                .extensions(ErrorCode.INTERNAL_SERVER_ERROR.extensions(Map.of("id", id)));
    }

    private static Throwable unwrap(Throwable exception) {
        Throwable cause = exception.getCause();
        return exception instanceof CompletionException && cause != null ? unwrap(cause) : exception;
    }
}
