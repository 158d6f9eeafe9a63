package dev.userdirectory.policy;

import graphql.ExecutionResult;
import graphql.GraphQLError;
import graphql.GraphqlErrorException;
import graphql.parser.ParserOptions;
import java.util.Collection;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.springframework.core.annotation.Order;
import org.springframework.graphql.server.WebGraphQlInterceptor;
import org.springframework.graphql.server.WebGraphQlRequest;
import org.springframework.graphql.server.WebGraphQlResponse;
import org.springframework.graphql.support.DefaultExecutionGraphQlResponse;
import org.springframework.http.CacheControl;
import org.springframework.http.HttpHeaders;
import org.springframework.stereotype.Component;
import reactor.core.publisher.Mono;

/** Finds the document that is to be run, and holds it and its variables to what may be read of them. */
@Component
@Order(10) // After who calls is known, before DGS gets ready to execute.
class LimitsInterceptor implements WebGraphQlInterceptor {
    static final String COST_HEADER = "GraphQL-Cost";

    private final Limits limits;
    private final PersistedDocuments documents;
    private final ParserOptions parser;

    LimitsInterceptor(Limits limits, PersistedDocuments documents) {
        this.limits = limits;
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
        int values = count(request.getVariables());
        if (values > limits.variables()) {
            return refused(request, LimitExceeded.VARIABLES.error(values, limits.variables()));
        }
        boolean reportCost = "report".equals(request.getHeaders().getFirst(COST_HEADER));
        request.configureExecutionInput((input, builder) -> builder.query(document)
                .graphQLContext(Map.of(ParserOptions.class, parser, LimitsInstrumentation.REPORT_COST, reportCost))
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

    /** How deep they are is for the reader of JSON to limit. */
    private static int count(@Nullable Object value) {
        return switch (value) {
            case Map<?, ?> fields ->
                fields.values().stream().mapToInt(field -> 1 + count(field)).sum();
            case Collection<?> list ->
                list.stream().mapToInt(element -> 1 + count(element)).sum();
            case null -> 0;
            default -> 0;
        };
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
