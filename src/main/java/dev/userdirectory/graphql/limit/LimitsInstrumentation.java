package dev.userdirectory.graphql.limit;

import dev.userdirectory.graphql.document.DocumentSize;
import dev.userdirectory.graphql.document.DocumentText;
import dev.userdirectory.graphql.document.KnownDocuments;
import dev.userdirectory.graphql.operation.Operation;
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
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;

/**
 * Enforces the limits of an operation: on the document around parsing, on the cost before the first data fetcher is
 * called, and on the size of the response while it is completed.
 */
@Component
public class LimitsInstrumentation extends SimplePerformantInstrumentation {
    private final Limits limits;
    private final CostBudgets budgets;
    private final KnownDocuments documents;

    LimitsInstrumentation(Limits limits, CostBudgets budgets, KnownDocuments documents) {
        this.limits = limits;
        this.budgets = budgets;
        this.documents = documents;
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
        Operation operation = Operation.of(context.getGraphQLContext());
        long cost = documents.begin(operation, context).cost();
        LimitExceeded.COST.check(cost, limits.cost());
        ConsumptionProbe spent = budgets.spend(operation.caller.account(), cost);
        if (spent != null) {
            operation.budget = spent;
            if (!spent.isConsumed()) {
                throw LimitExceeded.abort(RateLimited.error(spent, cost));
            }
        }
        operation.response =
                new ResponseBudget(limits.response().toBytes(), operation.memory, operation.transport.isInMessage());
        return null;
    }

    @Override
    public CompletableFuture<ExecutionResult> instrumentExecutionResult(
            ExecutionResult result,
            InstrumentationExecutionParameters parameters,
            @Nullable InstrumentationState state) {
        ResponseBudget budget = Operation.of(parameters.getGraphQLContext()).response;
        if (budget == null) {
            return CompletableFuture.completedFuture(result);
        }
        budget.addErrors(result.getErrors());
        if (!budget.isExceeded()) {
            return CompletableFuture.completedFuture(result);
        }
        if (budget.isRefused()) {
            return CompletableFuture.completedFuture(TooManyResponses.result());
        }
        GraphQLError error =
                LimitExceeded.RESPONSE.error(budget.used(), limits.response().toBytes());
        return CompletableFuture.completedFuture(
                ExecutionResult.newExecutionResult().addError(error).build());
    }
}
