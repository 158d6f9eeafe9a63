package dev.userdirectory.graphql.operation;

import dev.userdirectory.graphql.cache.Dependencies;
import dev.userdirectory.graphql.limit.ResponseBudget;
import graphql.execution.AsyncExecutionStrategy;
import graphql.execution.DataFetcherExceptionHandler;
import graphql.execution.ExecutionContext;
import graphql.execution.ExecutionStrategyParameters;
import graphql.execution.FieldValueInfo;
import graphql.execution.FieldValueInfo.CompleteValueType;
import graphql.schema.GraphQLEnumType;
import graphql.schema.GraphQLScalarType;
import graphql.schema.GraphQLTypeUtil;
import java.util.Collection;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * Counts each value towards the {@link ResponseBudget} as it is completed. Once the budget is exceeded, every value
 * becomes null: the operation then ends soon, without leaving a data loader waiting, and an error replaces its result.
 * Also collects the objects on which the response depends.
 */
public class BoundedExecutionStrategy extends AsyncExecutionStrategy {
    /** The bytes of a field in {@code extensions.ftv1} besides its name: its type, its parent's type and its times. */
    private static final int TRACE_BYTES = 100;

    public BoundedExecutionStrategy(DataFetcherExceptionHandler exceptionHandler) {
        super(exceptionHandler);
    }

    @Override
    protected Object resolveFieldWithInfo(ExecutionContext context, ExecutionStrategyParameters parameters) {
        ResponseBudget budget = budget(context);
        String name = parameters.getField().getResultKey();
        budget.addName(name);
        if (parameters.getSource() != null) {
            if (budget.isExceeded()) {
                return completed(null);
            }
            if (Operation.of(context.getGraphQLContext()).tracesFields) {
                budget.addName(name);
                budget.add(TRACE_BYTES);
            }
        }
        return super.resolveFieldWithInfo(context, parameters);
    }

    @Override
    protected FieldValueInfo completeValue(ExecutionContext context, ExecutionStrategyParameters parameters) {
        ResponseBudget budget = budget(context);
        if (budget.isExceeded()) {
            return completed(null);
        }
        Object value = parameters.getSource();
        if (value == null) {
            budget.addNull();
        } else if (value instanceof Collection<?> elements) {
            budget.addList(elements.size());
        } else if (!GraphQLTypeUtil.isLeaf(parameters.getExecutionStepInfo().getUnwrappedNonNullType())) {
            budget.addObject(2); // its braces
            Dependencies.addShown(value, context.getGraphQLContext());
        }
        return super.completeValue(context, parameters);
    }

    @Override
    protected Object completeValueForScalar(
            ExecutionContext context, ExecutionStrategyParameters parameters, GraphQLScalarType type, Object value) {
        return count(super.completeValueForScalar(context, parameters, type, value), context);
    }

    @Override
    protected Object completeValueForEnum(
            ExecutionContext context, ExecutionStrategyParameters parameters, GraphQLEnumType type, Object value) {
        return count(super.completeValueForEnum(context, parameters, type, value), context);
    }

    private static Object count(Object serialized, ExecutionContext context) {
        if (!(serialized instanceof CompletableFuture)) { // a future means that it failed
            response(context).addValue(serialized);
        }
        return serialized;
    }

    protected static ResponseBudget budget(ExecutionContext context) {
        ResponseBudget budget = response(context);
        budget.addErrors(context.getErrors());
        return budget;
    }

    private static ResponseBudget response(ExecutionContext context) {
        return Objects.requireNonNull(Operation.of(context.getGraphQLContext()).response);
    }

    /** Reports the value as a scalar, because it contains nothing that a data loader could be waiting for. */
    protected static FieldValueInfo completed(@Nullable Object value) {
        return new FieldValueInfo(value == null ? CompleteValueType.NULL : CompleteValueType.SCALAR, value);
    }
}
