package dev.userdirectory.shortcut;

import dev.userdirectory.graphql.limit.ResponseBudget;
import dev.userdirectory.graphql.operation.BoundedExecutionStrategy;
import dev.userdirectory.graphql.operation.Operation;
import graphql.execution.DataFetcherExceptionHandler;
import graphql.execution.ExecutionContext;
import graphql.execution.ExecutionStrategyParameters;
import graphql.execution.FieldValueInfo;
import graphql.execution.MergedField;
import graphql.schema.GraphQLObjectType;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Completes values that are already in memory without graphql-java: objects from which only properties are selected,
 * and lists of such objects. graphql-java gives each field of each object a path, a type and a future, since any field
 * may fail, be awaited or be instrumented. For a page of objects, that adds up. Other cases, such as a null in a
 * non-null field or a caller without the required scope, fall back to graphql-java at the field where the shortcut
 * began. So do all fields of a traced operation.
 */
public class PropertyShortcut extends BoundedExecutionStrategy {
    private final FieldAnalysis fields = new FieldAnalysis();

    public PropertyShortcut(DataFetcherExceptionHandler exceptionHandler) {
        super(exceptionHandler);
    }

    @Override
    protected Object resolveFieldWithInfo(ExecutionContext context, ExecutionStrategyParameters parameters) {
        Object source = parameters.getSource();
        if (source != null && isSimple(context, parameters.getField())) {
            GraphQLObjectType parent = parameters.getExecutionStepInfo().getUnwrappedNonNullTypeAs();
            SelectedField property = fields.of(parent, parameters.getField(), context);
            if (property.isReadable()) {
                FieldValueInfo read = complete(context, budget -> {
                    budget.addName(parameters.getField().getResultKey());
                    return property.read(source, context, budget);
                });
                if (read != null) {
                    return read;
                }
            }
        }
        return super.resolveFieldWithInfo(context, parameters);
    }

    @Override
    protected FieldValueInfo completeValue(ExecutionContext context, ExecutionStrategyParameters parameters) {
        if (!parameters.getPath().isListSegment() && isSimple(context, parameters.getField())) {
            GraphQLObjectType parent = parameters.getExecutionStepInfo().getObjectType();
            SelectedField property = fields.of(parent, parameters.getField(), context);
            if (property.completion() != null) {
                FieldValueInfo completed =
                        complete(context, budget -> property.complete(parameters.getSource(), context, budget));
                if (completed != null) {
                    return completed;
                }
            }
        }
        return super.completeValue(context, parameters);
    }

    /** Returns null if graphql-java has to complete the value, because it handles the case or reports the error. */
    private static @Nullable FieldValueInfo complete(
            ExecutionContext context, Function<ResponseBudget, @Nullable Object> completion) {
        ResponseBudget budget = budget(context);
        long used = budget.used();
        try {
            return budget.isExceeded() ? completed(null) : completed(completion.apply(budget));
        } catch (RuntimeException e) {
            if (budget.isExceeded()) {
                return completed(null);
            }
            budget.resetTo(used);
            return null;
        }
    }

    /** Selecting a scalar twice makes no difference, but the selections of an object have to be merged. */
    static boolean isSimple(MergedField field) {
        return field.isSingleField() || field.getSingleField().getSelectionSet() == null;
    }

    private static boolean isSimple(ExecutionContext context, MergedField field) {
        return isSimple(field) && !Operation.of(context.getGraphQLContext()).tracesFields;
    }
}
