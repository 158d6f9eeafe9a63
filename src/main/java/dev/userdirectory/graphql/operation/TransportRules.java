package dev.userdirectory.graphql.operation;

import com.netflix.graphql.types.errors.ErrorType;
import com.netflix.graphql.types.errors.TypedGraphQLError;
import dev.userdirectory.error.ErrorCode;
import graphql.ExecutionResult;
import graphql.GraphQLError;
import graphql.execution.AbortExecutionException;
import graphql.execution.ExecutionContext;
import graphql.execution.instrumentation.InstrumentationState;
import graphql.execution.instrumentation.SimplePerformantInstrumentation;
import graphql.execution.instrumentation.parameters.InstrumentationExecutionParameters;
import graphql.language.OperationDefinition;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Publisher;
import org.springframework.core.env.Environment;
import org.springframework.core.env.Profiles;
import org.springframework.graphql.server.WebGraphQlResponse;
import org.springframework.stereotype.Component;

/** Rejects operations that their {@link Transport} or a header of their request does not allow. */
@Component
public class TransportRules extends SimplePerformantInstrumentation {
    private static final GraphQLError MUTATION_BY_GET =
            error(ErrorCode.METHOD_NOT_ALLOWED, "GET does not run mutations: send this by POST");

    private static final GraphQLError KEY_FOR_SEVERAL = error(
            ErrorCode.BAD_REQUEST,
            "The header Idempotency-Key belongs to a request with one mutation: give each mutation the argument"
                    + " `idempotencyKey` instead");

    private static final GraphQLError MALFORMED_KEY = error(
            ErrorCode.BAD_REQUEST,
            "The header Idempotency-Key must be one key, with or without quotes, and without parameters");

    private static final Set<Transport> WITHOUT_STREAMS = EnumSet.of(Transport.POST, Transport.GET);

    private final GraphQLError needsStream;

    TransportRules(Environment environment) {
        needsStream = error(
                ErrorCode.BAD_REQUEST,
                environment.acceptsProfiles(Profiles.of("lambda"))
                        ? "Subscriptions are not served on AWS Lambda: read `directoryEvents` page by page instead"
                        : "A subscription needs an event stream (Accept: text/event-stream) or a WebSocket"
                                + " (graphql-transport-ws)");
    }

    @Override
    public ExecutionContext instrumentExecutionContext(
            ExecutionContext context,
            InstrumentationExecutionParameters parameters,
            @Nullable InstrumentationState state) {
        if (context.getOperationDefinition().getOperation() == OperationDefinition.Operation.MUTATION) {
            Operation operation = Operation.of(context.getGraphQLContext());
            if (operation.transport.isByGet()) {
                throw new AbortExecutionException(List.of(MUTATION_BY_GET));
            }
            if (operation.hasMalformedKey) {
                throw new AbortExecutionException(List.of(MALFORMED_KEY));
            }
            if (operation.idempotencyKey != null
                    && context.getNormalizedQueryTree().get().getTopLevelFields().stream()
                                    .filter(field -> !field.getName().startsWith("__"))
                                    .count()
                            > 1) {
                throw new AbortExecutionException(List.of(KEY_FOR_SEVERAL));
            }
        }
        return context;
    }

    /**
     * Checked this late, so that callers who are not allowed to subscribe get that error first. Nothing has subscribed
     * to the source stream yet.
     */
    @Override
    public CompletableFuture<ExecutionResult> instrumentExecutionResult(
            ExecutionResult result,
            InstrumentationExecutionParameters parameters,
            @Nullable InstrumentationState state) {
        boolean isRefused = result.getData() instanceof Publisher<?>
                && WITHOUT_STREAMS.contains(Operation.of(parameters.getGraphQLContext()).transport);
        return CompletableFuture.completedFuture(
                isRefused
                        ? ExecutionResult.newExecutionResult()
                                .addError(needsStream)
                                .build()
                        : result);
    }

    /** Whether the operation was rejected because it is a mutation by GET. */
    public static boolean isMutationByGet(WebGraphQlResponse response) {
        return response.getErrors().stream()
                .anyMatch(error -> ErrorCode.of(error.getExtensions()) == ErrorCode.METHOD_NOT_ALLOWED);
    }

    private static GraphQLError error(ErrorCode code, String message) {
        return TypedGraphQLError.newBuilder()
                .errorType(ErrorType.BAD_REQUEST)
                .message("%s", message)
                .extensions(code.extensions())
                .build();
    }
}
