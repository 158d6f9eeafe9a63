package dev.userdirectory.shortcut;

import dev.userdirectory.graphql.operation.Operation;
import graphql.execution.ExecutionContext;
import graphql.execution.instrumentation.ChainedInstrumentation;
import graphql.execution.instrumentation.ExecuteObjectInstrumentationContext;
import graphql.execution.instrumentation.FieldFetchingInstrumentationContext;
import graphql.execution.instrumentation.Instrumentation;
import graphql.execution.instrumentation.InstrumentationContext;
import graphql.execution.instrumentation.InstrumentationState;
import graphql.execution.instrumentation.parameters.InstrumentationExecutionStrategyParameters;
import graphql.execution.instrumentation.parameters.InstrumentationFieldCompleteParameters;
import graphql.execution.instrumentation.parameters.InstrumentationFieldFetchParameters;
import graphql.execution.instrumentation.parameters.InstrumentationFieldParameters;
import graphql.schema.DataFetcher;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Chains all instrumentations, but calls them for single fields only if {@link Operation#tracesFields} is set. Calling
 * each of them five times for every field would slow down all operations.
 */
public class InstrumentationShortcut extends ChainedInstrumentation {
    public InstrumentationShortcut(List<Instrumentation> instrumentations) {
        super(instrumentations);
    }

    private static boolean isTraced(ExecutionContext context) {
        return Operation.of(context.getGraphQLContext()).tracesFields;
    }

    @Override
    public @Nullable ExecuteObjectInstrumentationContext beginExecuteObject(
            InstrumentationExecutionStrategyParameters parameters, InstrumentationState state) {
        return isTraced(parameters.getExecutionContext())
                ? super.beginExecuteObject(parameters, state)
                : ExecuteObjectInstrumentationContext.NOOP;
    }

    @Override
    public @Nullable InstrumentationContext<Object> beginFieldExecution(
            InstrumentationFieldParameters parameters, InstrumentationState state) {
        return isTraced(parameters.getExecutionContext()) ? super.beginFieldExecution(parameters, state) : null;
    }

    @Override
    public FieldFetchingInstrumentationContext beginFieldFetching(
            InstrumentationFieldFetchParameters parameters, InstrumentationState state) {
        return isTraced(parameters.getExecutionContext())
                ? super.beginFieldFetching(parameters, state)
                : FieldFetchingInstrumentationContext.NOOP;
    }

    @Override
    public @Nullable InstrumentationContext<Object> beginFieldCompletion(
            InstrumentationFieldCompleteParameters parameters, InstrumentationState state) {
        return isTraced(parameters.getExecutionContext()) ? super.beginFieldCompletion(parameters, state) : null;
    }

    @Override
    public @Nullable InstrumentationContext<Object> beginFieldListCompletion(
            InstrumentationFieldCompleteParameters parameters, InstrumentationState state) {
        return isTraced(parameters.getExecutionContext()) ? super.beginFieldListCompletion(parameters, state) : null;
    }

    @Override
    public DataFetcher<?> instrumentDataFetcher(
            DataFetcher<?> fetcher, InstrumentationFieldFetchParameters parameters, InstrumentationState state) {
        return isTraced(parameters.getExecutionContext())
                ? super.instrumentDataFetcher(fetcher, parameters, state)
                : fetcher;
    }
}
