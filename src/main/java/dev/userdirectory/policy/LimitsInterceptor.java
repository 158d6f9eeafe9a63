package dev.userdirectory.policy;

import dev.userdirectory.policy.RequestMemory.Reservation;
import graphql.ExecutionResult;
import graphql.GraphQLError;
import graphql.GraphqlErrorException;
import graphql.parser.ParserOptions;
import java.util.Locale;
import java.util.Map;
import org.springframework.core.annotation.Order;
import org.springframework.graphql.server.WebGraphQlInterceptor;
import org.springframework.graphql.server.WebGraphQlRequest;
import org.springframework.graphql.server.WebGraphQlResponse;
import org.springframework.graphql.support.DefaultExecutionGraphQlResponse;
import org.springframework.http.CacheControl;
import org.springframework.http.HttpHeaders;
import org.springframework.stereotype.Component;
import reactor.core.publisher.Mono;

/** Finds the document that is to be run, and limits what is read of it. The JSON around it is limited by {@link JsonValues}. */
@Component
@Order(10) // After who calls is known, before DGS gets ready to execute.
class LimitsInterceptor implements WebGraphQlInterceptor {
    static final String COST_HEADER = "GraphQL-Cost";

    private final Limits limits;
    private final SecurityProperties security;
    private final PersistedDocuments documents;
    private final ParserOptions parser;

    LimitsInterceptor(Limits limits, SecurityProperties security, PersistedDocuments documents) {
        this.limits = limits;
        this.security = security;
        this.documents = documents;
        parser = ParserOptions.getDefaultOperationParserOptions()
                .transform(options -> options.maxTokens(limits.tokens()).maxCharacters(limits.characters()));
    }

    @Override
    public Mono<WebGraphQlResponse> intercept(WebGraphQlRequest request, Chain chain) {
        Object persistedQuery = request.getExtensions().get("persistedQuery");
        String document;
        try {
            document = documents.resolve(request.getDocument(), persistedQuery);
        } catch (GraphqlErrorException e) {
            return refused(request, e);
        }
        if (document.length() > limits.characters()) {
            return refused(request, LimitExceeded.CHARACTERS.error(document.length(), limits.characters()));
        }
        if (request.getAttributes().get(Reservation.ATTRIBUTE) instanceof Reservation memory) {
            request.configureExecutionInput((input, builder) ->
                    builder.graphQLContext(Map.of(Reservation.class, memory)).build());
        }
        boolean reportCost = "report".equals(request.getHeaders().getFirst(COST_HEADER));
        request.configureExecutionInput((input, builder) -> builder.query(document)
                // Else graphql-java would take the first of several operations.
                .operationName("".equals(input.getOperationName()) ? null : input.getOperationName())
                // The one language of our messages: neither the client's nor the JVM's.
                .locale(Locale.ENGLISH)
                .graphQLContext(Map.of(
                        ParserOptions.class,
                        parser,
                        LimitsInstrumentation.REPORT_COST,
                        reportCost && security.mayIntrospect(Caller.of(input.getGraphQLContext()))))
                .build());
        return chain.next(request).doOnNext(response -> {
            ExecutionResult result = response.getExecutionResult();
            if (persistedQuery != null && result.isDataPresent() && mayRegister(response)) {
                documents.register(document, persistedQuery);
            }
            Long retryAfter = RateLimited.retryAfter(result);
            if (retryAfter != null) {
                response.getResponseHeaders().set(HttpHeaders.RETRY_AFTER, String.valueOf(retryAfter));
            }
        });
    }

    /** Whoever may not execute a document may not have it kept, either, in the place of somebody else's. */
    private static boolean mayRegister(WebGraphQlResponse response) {
        return !Caller.of(response.getExecutionInput().getGraphQLContext()).anonymous()
                && DeniedAccess.reasons(response.getExecutionResult().getErrors())
                        .isEmpty();
    }

    private static Mono<WebGraphQlResponse> refused(WebGraphQlRequest request, GraphQLError error) {
        WebGraphQlResponse response = new WebGraphQlResponse(new DefaultExecutionGraphQlResponse(
                request.toExecutionInput(),
                ExecutionResult.newExecutionResult().addError(error).build()));
        // Least of all that a persisted document is not known, which it is with the client's next request.
        response.getResponseHeaders().setCacheControl(CacheControl.noStore());
        return Mono.just(response);
    }
}
