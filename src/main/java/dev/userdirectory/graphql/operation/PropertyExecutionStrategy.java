package dev.userdirectory.graphql.operation;

import static graphql.execution.FieldCollectorParameters.newParameters;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import dev.userdirectory.graphql.limit.ResponseBudget;
import dev.userdirectory.graphql.operation.SelectedField.Completion;
import dev.userdirectory.graphql.operation.SelectedField.OfAny;
import dev.userdirectory.graphql.operation.SelectedField.OfEnum;
import dev.userdirectory.graphql.operation.SelectedField.OfList;
import dev.userdirectory.graphql.operation.SelectedField.OfObject;
import dev.userdirectory.graphql.operation.SelectedField.OfScalar;
import graphql.execution.AsyncExecutionStrategy;
import graphql.execution.DataFetcherExceptionHandler;
import graphql.execution.ExecutionContext;
import graphql.execution.ExecutionStrategyParameters;
import graphql.execution.FieldValueInfo;
import graphql.execution.FieldValueInfo.CompleteValueType;
import graphql.execution.MergedField;
import graphql.introspection.Introspection;
import graphql.language.DirectivesContainer;
import graphql.language.Field;
import graphql.language.FragmentDefinition;
import graphql.language.FragmentSpread;
import graphql.language.InlineFragment;
import graphql.language.SelectionSet;
import graphql.schema.DataFetcher;
import graphql.schema.DataFetchingEnvironment;
import graphql.schema.GraphQLEnumType;
import graphql.schema.GraphQLFieldDefinition;
import graphql.schema.GraphQLInterfaceType;
import graphql.schema.GraphQLList;
import graphql.schema.GraphQLObjectType;
import graphql.schema.GraphQLScalarType;
import graphql.schema.GraphQLSchema;
import graphql.schema.GraphQLType;
import graphql.schema.GraphQLTypeUtil;
import graphql.schema.GraphQLUnionType;
import graphql.schema.LightDataFetcher;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;

/**
 * Completes values that are already in memory without graphql-java: objects of which only properties are selected, and
 * lists of them. graphql-java gives each field of each object a path, a type and a future, since any field may fail, be
 * awaited or be instrumented. For a page of objects, that takes longer than PostgreSQL does. Less simple cases fall
 * back to graphql-java at the field where the shortcut began: a null in a non-null field, or a caller without the
 * required scope. So does every field of a traced operation.
 *
 * <p>Both ways count against the {@link ResponseBudget}. Once it is exceeded, every value becomes null: the operation
 * then ends soon, without leaving a data loader waiting, and an error replaces its result.
 */
@Component("query")
public class PropertyExecutionStrategy extends AsyncExecutionStrategy {
    /** Bytes of a field in {@code extensions.ftv1} beside its name: its type, its parent's type and its times. */
    private static final int TRACE_BYTES = 100;

    /** Analyzed once per field of a cached document, and per type that the field turned out to belong to. */
    private final Cache<Field, Map<GraphQLObjectType, SelectedField>> properties =
            Caffeine.newBuilder().weakKeys().build();

    public PropertyExecutionStrategy(DataFetcherExceptionHandler exceptionHandler) {
        super(exceptionHandler);
    }

    @Override
    protected Object resolveFieldWithInfo(ExecutionContext context, ExecutionStrategyParameters parameters) {
        ResponseBudget budget = budget(context);
        budget.addName(parameters.getField().getResultKey());
        Object source = parameters.getSource();
        if (source == null) {
            return super.resolveFieldWithInfo(context, parameters);
        }
        if (budget.isExceeded()) {
            return completed(null);
        }
        if (Operation.of(context.getGraphQLContext()).tracesFields) {
            budget.addName(parameters.getField().getResultKey());
            budget.add(TRACE_BYTES);
            return super.resolveFieldWithInfo(context, parameters);
        }
        if (isSimple(parameters.getField())) {
            GraphQLObjectType parent = parameters.getExecutionStepInfo().getUnwrappedNonNullTypeAs();
            SelectedField property = property(parent, parameters.getField(), context);
            if (property.isRead()) {
                long used = budget.used();
                try {
                    return completed(property.read(source, context, budget));
                } catch (RuntimeException e) {
                    if (budget.isExceeded()) {
                        return completed(null);
                    }
                    // Let graphql-java complete it again: it handles the case or reports the error.
                    budget.resetTo(used);
                }
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
        if (!parameters.getPath().isListSegment() && isSimple(context, parameters.getField())) {
            GraphQLObjectType parent = parameters.getExecutionStepInfo().getObjectType();
            SelectedField property = property(parent, parameters.getField(), context);
            if (property.completion() != null) {
                long used = budget.used();
                try {
                    return completed(property.complete(parameters.getSource(), context, budget));
                } catch (RuntimeException e) {
                    if (budget.isExceeded()) {
                        return completed(null);
                    }
                    // Let graphql-java complete it again: it handles the case or reports the error.
                    budget.resetTo(used);
                }
            }
        }
        if (parameters.getSource() == null) {
            budget.addNull();
        } else {
            budget.add(2); // the braces of an object
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

    private static ResponseBudget budget(ExecutionContext context) {
        ResponseBudget budget = response(context);
        budget.addErrors(context.getErrors());
        return budget;
    }

    private static ResponseBudget response(ExecutionContext context) {
        return Objects.requireNonNull(Operation.of(context.getGraphQLContext()).response);
    }

    /** Selecting a scalar twice makes no difference, but the selections of an object have to be merged. */
    private static boolean isSimple(MergedField field) {
        return field.isSingleField() || field.getSingleField().getSelectionSet() == null;
    }

    /** Reports the value as a scalar, because it contains nothing that a data loader could be waiting for. */
    private static FieldValueInfo completed(@Nullable Object value) {
        return new FieldValueInfo(value == null ? CompleteValueType.NULL : CompleteValueType.SCALAR, value);
    }

    private static boolean isSimple(ExecutionContext context, MergedField field) {
        return isSimple(field) && !Operation.of(context.getGraphQLContext()).tracesFields;
    }

    private SelectedField property(GraphQLObjectType parent, MergedField field, ExecutionContext context) {
        Map<GraphQLObjectType, SelectedField> byParent =
                properties.get(field.getSingleField(), key -> new ConcurrentHashMap<>(1));
        SelectedField known = byParent.get(parent);
        if (known == null) {
            known = analyze(parent, field, context);
            byParent.put(parent, known);
        }
        return known;
    }

    private SelectedField analyze(GraphQLObjectType parent, MergedField field, ExecutionContext context) {
        GraphQLSchema schema = context.getGraphQLSchema();
        GraphQLFieldDefinition definition = Introspection.getFieldDefinition(schema, parent, field.getName());
        DataFetcher<?> fetcher = schema.getCodeRegistry().getDataFetcher(parent, definition);
        return new SelectedField(
                definition,
                definition.getName().equals("__typename")
                        ? new TypeName(parent.getName())
                        : fetcher instanceof LightDataFetcher<?> reader ? reader : null,
                completion(definition.getType(), field, context));
    }

    private @Nullable Completion completion(GraphQLType type, MergedField field, ExecutionContext context) {
        return switch (GraphQLTypeUtil.unwrapNonNull(type)) {
            case GraphQLScalarType scalar -> new OfScalar(scalar);
            case GraphQLEnumType enumType -> new OfEnum(enumType);
            case GraphQLList list -> {
                Completion element = completion(list.getWrappedType(), field, context);
                yield element == null ? null : new OfList(list.getWrappedType(), element);
            }
            case GraphQLObjectType object -> completion(object, field, context);
            case GraphQLInterfaceType abstractType ->
                completion(context.getGraphQLSchema().getImplementations(abstractType), field, context);
            case GraphQLUnionType abstractType ->
                completion(
                        abstractType.getTypes().stream()
                                .map(GraphQLObjectType.class::cast)
                                .toList(),
                        field,
                        context);
            default -> null;
        };
    }

    private @Nullable Completion completion(
            List<GraphQLObjectType> types, MergedField field, ExecutionContext context) {
        Map<String, OfObject> byType = new HashMap<>();
        for (GraphQLObjectType type : types) {
            OfObject completion = completion(type, field, context);
            if (completion != null) {
                byType.put(type.getName(), completion);
            }
        }
        return byType.isEmpty() ? null : new OfAny(byType);
    }

    private @Nullable OfObject completion(GraphQLObjectType type, MergedField field, ExecutionContext context) {
        if (hasDirectives(field.getSingleField().getSelectionSet(), context)) {
            return null;
        }
        Map<String, MergedField> selected = fieldCollector
                .collectFields(
                        newParameters()
                                .schema(context.getGraphQLSchema())
                                .objectType(type)
                                .fragments(context.getFragmentsByName())
                                .variables(Map.of())
                                .graphQLContext(context.getGraphQLContext())
                                .build(),
                        field)
                .getSubFields();
        List<SelectedField> ofObject = new ArrayList<>();
        for (MergedField each : selected.values()) {
            // The analysis is cached by the first merged field, which may stand alone elsewhere.
            if (!isSimple(each)) {
                return null;
            }
            SelectedField property = property(type, each, context);
            if (!property.isRead()) {
                return null;
            }
            ofObject.add(property);
        }
        return new OfObject(List.copyOf(selected.keySet()), ofObject);
    }

    /** With a directive, the selected fields can differ between executions. */
    private static boolean hasDirectives(@Nullable SelectionSet selections, ExecutionContext context) {
        return selections != null
                && selections.getSelections().stream()
                        .anyMatch(selection -> !((DirectivesContainer<?>) selection)
                                        .getDirectives()
                                        .isEmpty()
                                || switch (selection) {
                                    case InlineFragment fragment -> hasDirectives(fragment.getSelectionSet(), context);
                                    case FragmentSpread spread -> {
                                        FragmentDefinition fragment = Objects.requireNonNull(
                                                context.getFragmentsByName().get(spread.getName()));
                                        yield hasDirectives(fragment.getSelectionSet(), context);
                                    }
                                    default -> false;
                                });
    }

    private record TypeName(String name) implements LightDataFetcher<String> {
        @Override
        public String get(
                GraphQLFieldDefinition field, @Nullable Object source, Supplier<DataFetchingEnvironment> environment) {
            return name;
        }

        @Override
        public String get(DataFetchingEnvironment environment) {
            return name;
        }
    }
}
