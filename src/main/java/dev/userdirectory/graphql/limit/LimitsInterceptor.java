package dev.userdirectory.graphql.limit;

import dev.userdirectory.graphql.document.KnownDocuments;
import dev.userdirectory.graphql.document.PersistedDocuments;
import dev.userdirectory.graphql.operation.LibraryMessages;
import dev.userdirectory.graphql.operation.Operation;
import dev.userdirectory.graphql.scope.DeniedAccess;
import dev.userdirectory.graphql.scope.SecurityProperties;
import graphql.ExecutionResult;
import graphql.GraphQLError;
import graphql.GraphqlErrorException;
import graphql.parser.ParserOptions;
import java.util.LinkedHashMap;
import java.util.Map;
import org.springframework.graphql.server.WebGraphQlInterceptor;
import org.springframework.graphql.server.WebGraphQlRequest;
import org.springframework.graphql.server.WebGraphQlResponse;
import org.springframework.graphql.support.DefaultExecutionGraphQlResponse;
import org.springframework.http.CacheControl;
import org.springframework.http.HttpHeaders;
import org.springframework.stereotype.Component;
import reactor.core.publisher.Mono;

/** Finds the document to run, and limits how much of it is read. {@link JsonValues} limits the JSON around it. */
@Component
public class LimitsInterceptor implements WebGraphQlInterceptor {
    static final String COST_HEADER = "GraphQL-Cost";

    private final Limits limits;
    private final SecurityProperties security;
    private final PersistedDocuments persisted;
    private final KnownDocuments known;
    private final CostBudgets budgets;
    private final LibraryMessages messages;
    private final ParserOptions parser;

    LimitsInterceptor(
            Limits limits,
            SecurityProperties security,
            PersistedDocuments persisted,
            KnownDocuments known,
            CostBudgets budgets,
            LibraryMessages messages) {
        this.limits = limits;
        this.security = security;
        this.persisted = persisted;
        this.known = known;
        this.budgets = budgets;
        this.messages = messages;
        parser = ParserOptions.getDefaultOperationParserOptions()
                .transform(options -> options.maxTokens(limits.tokens()).maxCharacters(limits.characters()));
    }

    @Override
    public Mono<WebGraphQlResponse> intercept(WebGraphQlRequest request, Chain chain) {
        Object persistedQuery = request.getExtensions().get("persistedQuery");
        String document;
        try {
            document = persisted.resolve(request.getDocument(), persistedQuery);
        } catch (GraphqlErrorException e) {
            return refused(request, e);
        }
        if (document.length() > limits.characters()) {
            return refused(request, LimitExceeded.CHARACTERS.error(document.length(), limits.characters()));
        }
        Operation operation = Operation.of(request);
        // For an empty name, graphql-java would run the first of several operations.
        String name = "".equals(request.getOperationName()) ? null : request.getOperationName();
        known.find(document, name, operation);
        Map<?, Object> context = Map.of(Operation.class, operation, ParserOptions.class, parser);
        request.configureExecutionInput((input, builder) -> builder.query(document)
                .operationName(name)
                .locale(messages.locale())
                .graphQLContext(context)
                .build());
        boolean reportCost =
                "report".equals(request.getHeaders().getFirst(COST_HEADER)) && security.mayIntrospect(operation.caller);
        return chain.next(request).map(response -> {
            ExecutionResult result = response.getExecutionResult();
            if (persistedQuery != null && result.isDataPresent() && mayRegister(operation, result)) {
                persisted.register(document, persistedQuery);
            }
            Long retryAfter = RateLimited.retryAfter(result);
            if (retryAfter != null) {
                response.getResponseHeaders().set(HttpHeaders.RETRY_AFTER, String.valueOf(retryAfter));
            }
            return reportCost ? withCost(response, operation) : response;
        });
    }

    /**
     * A caller who may not execute a document may not register it either, since it could evict another caller's
     * document.
     */
    private static boolean mayRegister(Operation operation, ExecutionResult result) {
        return !operation.caller.anonymous()
                && DeniedAccess.reasons(result.getErrors()).isEmpty();
    }

    private WebGraphQlResponse withCost(WebGraphQlResponse response, Operation operation) {
        if (operation.shape == null) {
            return response;
        }
        Map<Object, Object> extensions = new LinkedHashMap<>(response.getExtensions());
        Map<String, Object> report =
                new LinkedHashMap<>(Map.of("requested", operation.shape.cost(), "limit", limits.cost()));
        if (operation.budget != null) {
            report.put("budget", budgets.describe(operation.budget));
        }
        extensions.put("cost", report);
        return response.transform(builder -> builder.extensions(extensions));
    }

    private static Mono<WebGraphQlResponse> refused(WebGraphQlRequest request, GraphQLError error) {
        WebGraphQlResponse response = new WebGraphQlResponse(new DefaultExecutionGraphQlResponse(
                request.toExecutionInput(),
                ExecutionResult.newExecutionResult().addError(error).build()));
        // In particular, the error for an unknown persisted document must not be cached: the client's next request
        // registers that document.
        response.getResponseHeaders().setCacheControl(CacheControl.noStore());
        return Mono.just(response);
    }
}
