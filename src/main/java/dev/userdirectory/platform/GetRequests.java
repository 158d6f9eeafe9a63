package dev.userdirectory.platform;

import dev.userdirectory.policy.RateLimited;
import graphql.GraphQLError;
import graphql.GraphqlErrorBuilder;
import graphql.execution.AbortExecutionException;
import graphql.execution.ExecutionContext;
import graphql.execution.instrumentation.InstrumentationState;
import graphql.execution.instrumentation.SimplePerformantInstrumentation;
import graphql.execution.instrumentation.parameters.InstrumentationExecutionParameters;
import graphql.language.OperationDefinition.Operation;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.graphql.autoconfigure.GraphQlProperties;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.annotation.Order;
import org.springframework.graphql.server.WebGraphQlHandler;
import org.springframework.graphql.server.WebGraphQlInterceptor;
import org.springframework.graphql.server.WebGraphQlResponse;
import org.springframework.graphql.server.webmvc.GraphQlHttpHandler;
import org.springframework.graphql.server.webmvc.GraphQlSseHandler;
import org.springframework.http.HttpMethod;
import org.springframework.http.HttpStatus;
import org.springframework.http.InvalidMediaTypeException;
import org.springframework.http.MediaType;
import org.springframework.web.server.ServerWebInputException;
import org.springframework.web.servlet.function.RouterFunction;
import org.springframework.web.servlet.function.RouterFunctions;
import org.springframework.web.servlet.function.ServerRequest;
import org.springframework.web.servlet.function.ServerResponse;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * Queries by GET, which GraphQL over HTTP has and Spring GraphQL has not: {@code query}, {@code operationName}, the hash of a persisted query and, as
 * JSON, {@code variables} and {@code extensions} in the URL. Subscriptions too, as event streams: an {@code EventSource}
 * sends nothing else. A mutation is refused however it is named: by its text or by the hash of a persisted one.
 */
@Configuration(proxyBeanMethods = false)
class GetRequests {
    private static final String MARK = GetRequests.class.getName();
    private static final String CODE = "METHOD_NOT_ALLOWED";

    @Bean
    @Order(-2) // Before Spring's own, which refuses GET, and ours, which refuses other types than JSON.
    RouterFunction<ServerResponse> queries(
            GraphQlProperties properties, GraphQlHttpHandler handler, GraphQlSseHandler streams) {
        String path = properties.getHttp().getPath();
        return RouterFunctions.route()
                .GET(
                        path,
                        GetRequests::wantsStream,
                        request -> streams.handleRequest(
                                asPost(request, EnumSet.of(Operation.QUERY, Operation.SUBSCRIPTION))))
                .GET(path, request -> handler.handleRequest(asPost(request, EnumSet.of(Operation.QUERY))))
                .build();
    }

    /** As by POST, who takes JSON as well gets JSON. */
    private static boolean wantsStream(ServerRequest request) {
        try {
            List<MediaType> accepted = request.headers().accept();
            return accepted.contains(MediaType.TEXT_EVENT_STREAM)
                    && accepted.stream()
                            .noneMatch(type -> MediaType.APPLICATION_JSON.isCompatibleWith(type)
                                    || MediaType.APPLICATION_GRAPHQL_RESPONSE.isCompatibleWith(type));
        } catch (InvalidMediaTypeException e) {
            return false;
        }
    }

    private static ServerRequest asPost(ServerRequest request, Set<Operation> allowed) {
        ObjectNode body = JsonMapper.shared().createObjectNode();
        try {
            for (String name : List.of("query", "operationName", "documentId", "id")) {
                request.param(name).ifPresent(text -> body.put(name, text));
            }
        } catch (IllegalStateException e) {
            throw new ServerWebInputException("Not UTF-8", null, e);
        }
        for (String name : List.of("variables", "extensions")) {
            request.param(name).filter(text -> !text.isEmpty()).ifPresent(json -> body.set(name, parse(json)));
        }
        return ServerRequest.from(request)
                .method(HttpMethod.POST)
                .headers(headers -> headers.setContentType(MediaType.APPLICATION_JSON))
                .attribute(MARK, allowed)
                .body(body.toString())
                .build();
    }

    /** Marks and refuses as they do, so that the answer is one of GraphQL. */
    @Bean
    WebGraphQlInterceptor markGetRequests() {
        return (request, chain) -> {
            Object allowed = request.getAttributes().get(MARK);
            if (allowed == null) {
                return chain.next(request);
            }
            request.configureExecutionInput((input, builder) ->
                    builder.graphQLContext(Map.of(MARK, allowed)).build());
            return chain.next(request).doOnNext(response -> {
                if (isRefused(response)) {
                    response.getResponseHeaders().setAllow(Set.of(HttpMethod.POST));
                }
            });
        };
    }

    @Bean
    SimplePerformantInstrumentation refuseMutationsByGet() {
        return new SimplePerformantInstrumentation() {
            @Override
            public ExecutionContext instrumentExecutionContext(
                    ExecutionContext context,
                    InstrumentationExecutionParameters parameters,
                    @Nullable InstrumentationState state) {
                Set<Operation> allowed = context.getGraphQLContext().get(MARK);
                if (allowed != null
                        && !allowed.contains(context.getOperationDefinition().getOperation())) {
                    GraphQLError error = GraphqlErrorBuilder.newError()
                            .message("GET runs queries, and subscriptions as event streams; send this by POST")
                            .extensions(Map.of("code", CODE))
                            .build();
                    throw new AbortExecutionException(List.of(error));
                }
                return context;
            }
        };
    }

    @Bean
    GraphQlHttpHandler graphQlHttpHandler(WebGraphQlHandler handler) {
        return new GraphQlHttpHandler(handler) {
            @Override
            protected HttpStatus selectResponseStatus(WebGraphQlResponse response, MediaType type) {
                if (RateLimited.retryAfter(response.getExecutionResult()) != null) {
                    return HttpStatus.TOO_MANY_REQUESTS;
                }
                return isRefused(response) ? HttpStatus.METHOD_NOT_ALLOWED : super.selectResponseStatus(response, type);
            }
        };
    }

    private static boolean isRefused(WebGraphQlResponse response) {
        return response.getErrors().stream()
                .anyMatch(error -> CODE.equals(error.getExtensions().get("code")));
    }

    private static JsonNode parse(String json) {
        try {
            return JsonMapper.shared().readTree(json);
        } catch (JacksonException e) {
            throw new ServerWebInputException("Not JSON", null, e);
        }
    }
}
