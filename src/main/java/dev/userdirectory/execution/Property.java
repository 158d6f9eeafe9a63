package dev.userdirectory.execution;

import dev.userdirectory.policy.GuardedProperty;
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
 * A selected field, and how its value becomes that of the response without graphql-java.
 *
 * @param reader null if the value is fetched, not read
 * @param completion null if not all that is selected of the value is properties
 */
record Property(
        GraphQLFieldDefinition definition,
        @Nullable LightDataFetcher<?> reader,
        @Nullable Completion completion) {

    /** Something that is for graphql-java to handle, and to say. */
    static final class Unforeseen extends RuntimeException {
        private static final long serialVersionUID = 1;

        private Unforeseen() {
            super("left to graphql-java", null, false, false);
        }
    }

    boolean isRead() {
        return reader != null && completion != null;
    }

    /** @throws RuntimeException if this is no simple matter */
    @Nullable
    Object read(Object source, ExecutionContext context) {
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
            return complete(value, context);
        } catch (Exception e) {
            throw new Unforeseen();
        }
    }

    /** @throws RuntimeException if this is no simple matter */
    @Nullable
    Object complete(@Nullable Object value, ExecutionContext context) {
        if (completion == null) {
            throw new Unforeseen();
        }
        return complete(value, definition.getType(), completion, context);
    }

    private static @Nullable Object complete(
            @Nullable Object boxed, GraphQLType type, Completion completion, ExecutionContext context) {
        Object value = context.getValueUnboxer().unbox(boxed);
        if (value != null) {
            return completion.complete(value, context);
        }
        if (GraphQLTypeUtil.isNonNull(type)) {
            throw new Unforeseen();
        }
        return null;
    }

    /** Of a value that is not null. */
    sealed interface Completion {
        Object complete(Object value, ExecutionContext context);
    }

    record OfScalar(GraphQLScalarType type) implements Completion {
        @Override
        public Object complete(Object value, ExecutionContext context) {
            Object serialized = type.getCoercing().serialize(value, context.getGraphQLContext(), context.getLocale());
            if (serialized == null) {
                throw new Unforeseen();
            }
            return serialized;
        }
    }

    record OfEnum(GraphQLEnumType type) implements Completion {
        @Override
        public Object complete(Object value, ExecutionContext context) {
            return type.serialize(value, context.getGraphQLContext(), context.getLocale());
        }
    }

    record OfList(GraphQLType elementType, Completion element) implements Completion {
        @Override
        public Object complete(Object value, ExecutionContext context) {
            if (!(value instanceof Collection<?> elements)) {
                throw new Unforeseen();
            }
            List<@Nullable Object> completed = new ArrayList<>(elements.size());
            for (Object each : elements) {
                completed.add(Property.complete(each, elementType, element, context));
            }
            return completed;
        }
    }

    /** @param properties by their names in the response */
    record OfObject(List<String> names, List<Property> properties) implements Completion {
        @Override
        public Object complete(Object value, ExecutionContext context) {
            if (value instanceof DataFetcherResult<?>) {
                throw new Unforeseen();
            }
            @Nullable Object[] values = new Object[properties.size()];
            for (int i = 0; i < values.length; i++) {
                values[i] = properties.get(i).read(value, context);
            }
            return context.getResponseMapFactory().createInsertionOrdered(names, Arrays.asList(values));
        }
    }

    /** Of an interface or a union: an object is an instance of the class that is named as its type. */
    record OfAny(Map<String, OfObject> byType) implements Completion {
        @Override
        public Object complete(Object value, ExecutionContext context) {
            OfObject completion = byType.get(value.getClass().getSimpleName());
            if (completion == null) {
                throw new Unforeseen();
            }
            return completion.complete(value, context);
        }
    }
}
