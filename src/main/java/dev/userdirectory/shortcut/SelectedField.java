package dev.userdirectory.shortcut;

import dev.userdirectory.graphql.cache.Dependencies;
import dev.userdirectory.graphql.limit.ResponseBudget;
import dev.userdirectory.graphql.scope.GuardedProperty;
import graphql.execution.DataFetcherResult;
import graphql.execution.ExecutionContext;
import graphql.schema.GraphQLEnumType;
import graphql.schema.GraphQLFieldDefinition;
import graphql.schema.GraphQLScalarType;
import graphql.schema.GraphQLType;
import graphql.schema.GraphQLTypeUtil;
import graphql.schema.LightDataFetcher;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A selected field, and how to complete its value without graphql-java.
 *
 * @param reader null if the value has to be fetched
 * @param completion null if anything but properties is selected from the value
 */
record SelectedField(
        GraphQLFieldDefinition definition,
        @Nullable LightDataFetcher<?> reader,
        @Nullable Completion completion) {

    /** Thrown to leave a value to graphql-java, which handles the case or reports the error. */
    static final class Unforeseen extends RuntimeException {
        private static final long serialVersionUID = 1;

        private Unforeseen() {
            super("left to graphql-java", null, false, false);
        }
    }

    boolean isReadable() {
        return reader != null && completion != null;
    }

    /** @throws RuntimeException if graphql-java has to complete the value, or if the budget is exceeded */
    @Nullable
    Object read(Object source, ExecutionContext context, ResponseBudget budget) {
        if (reader == null) {
            throw new Unforeseen();
        }
        LightDataFetcher<?> allowed = reader;
        if (reader instanceof GuardedProperty guarded) {
            if (!guarded.isAllowed(context.getGraphQLContext())) {
                throw new Unforeseen();
            }
            allowed = guarded.property();
        }
        try {
            Object value = allowed.get(definition, source, () -> {
                throw new Unforeseen();
            });
            return complete(value, context, budget);
        } catch (Exception e) {
            throw new Unforeseen();
        }
    }

    /** @throws RuntimeException if graphql-java has to complete the value, or if the budget is exceeded */
    @Nullable
    Object complete(@Nullable Object value, ExecutionContext context, ResponseBudget budget) {
        if (completion == null) {
            throw new Unforeseen();
        }
        return complete(value, definition.getType(), completion, context, budget);
    }

    private static @Nullable Object complete(
            @Nullable Object boxed,
            GraphQLType type,
            Completion completion,
            ExecutionContext context,
            ResponseBudget budget) {
        if (budget.isExceeded()) {
            throw new Unforeseen();
        }
        Object value = context.getValueUnboxer().unbox(boxed);
        if (value != null) {
            return completion.complete(value, context, budget);
        }
        if (GraphQLTypeUtil.isNonNull(type)) {
            throw new Unforeseen();
        }
        budget.addNull();
        return null;
    }

    /** Completes a value that is not null, and counts its bytes in the response. */
    sealed interface Completion {
        Object complete(Object value, ExecutionContext context, ResponseBudget budget);
    }

    record OfScalar(GraphQLScalarType type) implements Completion {
        @Override
        public Object complete(Object value, ExecutionContext context, ResponseBudget budget) {
            Object serialized = type.getCoercing().serialize(value, context.getGraphQLContext(), context.getLocale());
            if (serialized == null) {
                throw new Unforeseen();
            }
            budget.addValue(serialized);
            return serialized;
        }
    }

    record OfEnum(GraphQLEnumType type) implements Completion {
        @Override
        public Object complete(Object value, ExecutionContext context, ResponseBudget budget) {
            Object serialized = type.serialize(value, context.getGraphQLContext(), context.getLocale());
            budget.addValue(serialized);
            return serialized;
        }
    }

    record OfList(GraphQLType elementType, Completion element) implements Completion {
        @Override
        public Object complete(Object value, ExecutionContext context, ResponseBudget budget) {
            if (!(value instanceof Collection<?> elements)) {
                throw new Unforeseen();
            }
            budget.addList(elements.size());
            List<@Nullable Object> completed = new ArrayList<>(elements.size());
            for (Object each : elements) {
                completed.add(SelectedField.complete(each, elementType, element, context, budget));
            }
            return completed;
        }
    }

    /**
     * @param names the response keys of the properties, in the same order
     * @param bytesOfNames the size of the keys in the response, including the braces
     */
    record OfObject(List<String> names, List<SelectedField> properties, int bytesOfNames) implements Completion {
        OfObject(List<String> names, List<SelectedField> properties) {
            this(
                    names,
                    properties,
                    2 + names.stream().mapToInt(ResponseBudget::bytesOfName).sum());
        }

        @Override
        public Object complete(Object value, ExecutionContext context, ResponseBudget budget) {
            if (value instanceof DataFetcherResult<?>) {
                throw new Unforeseen();
            }
            Dependencies.addShown(value, context.getGraphQLContext());
            budget.addObject(bytesOfNames);
            @Nullable Object[] values = new Object[properties.size()];
            for (int i = 0; i < values.length; i++) {
                values[i] = properties.get(i).read(value, context, budget);
            }
            return context.getResponseMapFactory().createInsertionOrdered(names, Arrays.asList(values));
        }
    }

    /** Completes a value of an interface or a union. Its class has the same name as its object type. */
    record OfAny(Map<String, OfObject> byType) implements Completion {
        @Override
        public Object complete(Object value, ExecutionContext context, ResponseBudget budget) {
            OfObject completion = byType.get(value.getClass().getSimpleName());
            if (completion == null) {
                throw new Unforeseen();
            }
            return completion.complete(value, context, budget);
        }
    }
}
