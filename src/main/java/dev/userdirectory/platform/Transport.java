package dev.userdirectory.platform;

import com.netflix.graphql.types.errors.ErrorType;
import com.netflix.graphql.types.errors.TypedGraphQLError;
import graphql.ExecutionResult;
import graphql.GraphQLContext;
import graphql.GraphQLError;
import graphql.execution.AbortExecutionException;
import graphql.execution.ExecutionContext;
import graphql.execution.instrumentation.InstrumentationState;
import graphql.execution.instrumentation.SimplePerformantInstrumentation;
import graphql.execution.instrumentation.parameters.InstrumentationExecutionParameters;
import graphql.language.OperationDefinition.Operation;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Publisher;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.annotation.Order;
import org.springframework.core.env.Environment;
import org.springframework.core.env.Profiles;
import org.springframework.graphql.server.WebGraphQlInterceptor;
import org.springframework.graphql.server.WebGraphQlResponse;

/**
 * How an operation came, which decides what kind of operation it may be. It is an attribute of the request, and then in the
 * GraphQL context; JSON by POST, which is most of them, goes without.
 */
public enum Transport {
    POST(true, false),
    GET(false, false),
    STREAM(true, true),
    STREAM_BY_GET(false, true),
    SOCKET(true, true);

    /** The name of the request's attribute. */
    public static final String ATTRIBUTE = Transport.class.getName();

    static final String OTHER_METHOD = "METHOD_NOT_ALLOWED";
    private static final Set<Object> BY_GET = Set.of(GET, STREAM_BY_GET);

    private final boolean mutations;
    private final boolean subscriptions;

    Transport(boolean mutations, boolean subscriptions) {
        this.mutations = mutations;
        this.subscriptions = subscriptions;
    }

    public static boolean isByGet(GraphQLContext context) {
        return BY_GET.contains(of(context));
    }

    /** Whether the operation was refused because it is a mutation by GET. */
    public static boolean isOtherMethod(WebGraphQlResponse response) {
        return response.getErrors().stream()
                .anyMatch(error -> OTHER_METHOD.equals(error.getExtensions().get("code")));
    }

    private static Transport of(GraphQLContext context) {
        return context.getOrDefault(Transport.class, POST);
    }

    @Configuration(proxyBeanMethods = false)
    static class Checks {
        @Bean
        @Order(0) // Before the cache, whose headers depend on it.
        WebGraphQlInterceptor noteTransport() {
            return (request, chain) -> {
                Object transport = request.getAttributes().get(ATTRIBUTE);
                if (transport != null) {
                    request.configureExecutionInput(
                            (input, builder) -> builder.graphQLContext(Map.of(Transport.class, transport))
                                    .build());
                }
                return chain.next(request);
            };
        }

        @Bean
        SimplePerformantInstrumentation checkTransport(Environment environment) {
            GraphQLError mutationByGet = error(OTHER_METHOD, "GET does not run mutations: send this by POST");
            GraphQLError needsStream = error(
                    "BAD_REQUEST",
                    environment.acceptsProfiles(Profiles.of("lambda"))
                            ? "Subscriptions are not served on AWS Lambda: read `userEvents` page by page instead"
                            : "A subscription needs an event stream (Accept: text/event-stream) or a WebSocket"
                                    + " (graphql-transport-ws)");
            return new SimplePerformantInstrumentation() {
                @Override
                public ExecutionContext instrumentExecutionContext(
                        ExecutionContext context,
                        InstrumentationExecutionParameters parameters,
                        @Nullable InstrumentationState state) {
                    if (context.getOperationDefinition().getOperation() == Operation.MUTATION
                            && !of(context.getGraphQLContext()).mutations) {
                        throw new AbortExecutionException(List.of(mutationByGet));
                    }
                    return context;
                }

                // Only here, so that callers who may not subscribe are told that first. Nothing has subscribed yet.
                @Override
                public CompletableFuture<ExecutionResult> instrumentExecutionResult(
                        ExecutionResult result,
                        InstrumentationExecutionParameters parameters,
                        @Nullable InstrumentationState state) {
                    boolean isRefused = result.getData() instanceof Publisher<?>
                            && !of(parameters.getGraphQLContext()).subscriptions;
                    return CompletableFuture.completedFuture(
                            isRefused
                                    ? ExecutionResult.newExecutionResult()
                                            .addError(needsStream)
                                            .build()
                                    : result);
                }
            };
        }

        private static GraphQLError error(String code, String message) {
            return TypedGraphQLError.newBuilder()
                    .errorType(ErrorType.BAD_REQUEST)
                    .message("%s", message)
                    .extensions(Map.of("code", code))
                    .build();
        }
    }
}
