package dev.userdirectory.policy;

import graphql.ExecutionResult;
import graphql.GraphQLError;
import graphql.execution.ExecutionContext;
import graphql.execution.instrumentation.DocumentAndVariables;
import graphql.execution.instrumentation.InstrumentationContext;
import graphql.execution.instrumentation.InstrumentationState;
import graphql.execution.instrumentation.SimpleInstrumentationContext;
import graphql.execution.instrumentation.SimplePerformantInstrumentation;
import graphql.execution.instrumentation.parameters.InstrumentationExecuteOperationParameters;
import graphql.execution.instrumentation.parameters.InstrumentationExecutionParameters;
import graphql.language.Document;
import graphql.parser.ParserOptions;
import graphql.parser.exceptions.ParseCancelledException;
import graphql.parser.exceptions.ParseCancelledTooDeepException;
import io.github.bucket4j.ConsumptionProbe;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;

/**
 * Holds an operation to its limits: the document once it is parsed, the cost before the first data fetcher is called, the
 * size of the response while it is completed.
 */
@Component
class LimitsInstrumentation extends SimplePerformantInstrumentation {
    /** In the GraphQL context: that the request wants to be told its cost. */
    static final String REPORT_COST = "directory.cost.report";

    private static final String COST = "directory.cost";
    private static final String BUDGET = "directory.cost.budget";

    private final Limits limits;
    private final CostBudgets budgets;
    private final ByOperation<Long> costs;

    LimitsInstrumentation(Limits limits, CostBudgets budgets, MemoryProperties memory) {
        this.limits = limits;
        this.budgets = budgets;
        costs = new ByOperation<>((operation, schema) -> Cost.of(operation, schema, limits.listSize()), memory);
    }

    @Override
    public InstrumentationContext<Document> beginParse(
            InstrumentationExecutionParameters parameters, @Nullable InstrumentationState state) {
        DocumentText.check(parameters.getQuery(), limits.digits());
        return SimpleInstrumentationContext.whenCompleted((document, exception) -> {
            if (exception instanceof ParseCancelledTooDeepException) {
                int limit = ParserOptions.getDefaultOperationParserOptions().getMaxRuleDepth();
                throw LimitExceeded.abort(LimitExceeded.NESTING.error(limit + 1L, limit));
            }
            if (exception instanceof ParseCancelledException) {
                throw LimitExceeded.abort(LimitExceeded.TOKENS.error(limits.tokens() + 1L, limits.tokens()));
            }
        });
    }

    @Override
    public DocumentAndVariables instrumentDocumentAndVariables(
            DocumentAndVariables parsed,
            InstrumentationExecutionParameters parameters,
            @Nullable InstrumentationState state) {
        DocumentSize.check(parsed.getDocument(), limits);
        return parsed;
    }

    @Override
    public @Nullable InstrumentationContext<ExecutionResult> beginExecuteOperation(
            InstrumentationExecuteOperationParameters parameters, @Nullable InstrumentationState state) {
        ExecutionContext context = parameters.getExecutionContext();
        long cost = costs.of(context);
        context.getGraphQLContext().put(COST, cost);
        LimitExceeded.COST.check(cost, limits.cost());
        ConsumptionProbe spent =
                budgets.spend(Caller.of(context.getGraphQLContext()).account(), cost);
        if (spent != null) {
            context.getGraphQLContext().put(BUDGET, spent);
            if (!spent.isConsumed()) {
                throw LimitExceeded.abort(RateLimited.error(spent, cost));
            }
        }
        ResponseBudget.open(context.getGraphQLContext(), limits.response().toBytes());
        return null;
    }

    @Override
    public CompletableFuture<ExecutionResult> instrumentExecutionResult(
            ExecutionResult result,
            InstrumentationExecutionParameters parameters,
            @Nullable InstrumentationState state) {
        ResponseBudget budget = ResponseBudget.find(parameters.getGraphQLContext());
        if (budget != null) {
            budget.addErrors(result.getErrors());
        }
        if (budget != null && budget.isExceeded()) {
            if (budget.isRefused()) {
                return CompletableFuture.completedFuture(TooManyResponses.result());
            }
            GraphQLError error = LimitExceeded.RESPONSE.error(
                    budget.used(), limits.response().toBytes());
            return CompletableFuture.completedFuture(withCost(
                    ExecutionResult.newExecutionResult().addError(error).build(), parameters));
        }
        return CompletableFuture.completedFuture(withCost(result, parameters));
    }

    private ExecutionResult withCost(ExecutionResult result, InstrumentationExecutionParameters parameters) {
        Long cost = parameters.getGraphQLContext().get(COST);
        if (cost == null || !parameters.getGraphQLContext().getBoolean(REPORT_COST)) {
            return result;
        }
        Map<Object, Object> extensions = new LinkedHashMap<>();
        if (result.getExtensions() != null) {
            extensions.putAll(result.getExtensions());
        }
        Map<String, Object> report = new LinkedHashMap<>(Map.of("requested", cost, "limit", limits.cost()));
        ConsumptionProbe spent = parameters.getGraphQLContext().get(BUDGET);
        if (spent != null) {
            report.put("budget", budgets.describe(spent));
        }
        extensions.put("cost", report);
        return result.transform(builder -> builder.extensions(extensions));
    }
}
