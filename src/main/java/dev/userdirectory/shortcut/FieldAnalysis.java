package dev.userdirectory.shortcut;

import static graphql.execution.FieldCollectorParameters.newParameters;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import dev.userdirectory.shortcut.SelectedField.Completion;
import dev.userdirectory.shortcut.SelectedField.OfAny;
import dev.userdirectory.shortcut.SelectedField.OfEnum;
import dev.userdirectory.shortcut.SelectedField.OfList;
import dev.userdirectory.shortcut.SelectedField.OfObject;
import dev.userdirectory.shortcut.SelectedField.OfScalar;
import graphql.execution.ExecutionContext;
import graphql.execution.FieldCollector;
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
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Determines, once per field of a cached document, which of its values can be completed without graphql-java. */
final class FieldAnalysis {
    /** A field that is selected on an interface can belong to several types. */
    private final Cache<Field, Map<GraphQLObjectType, SelectedField>> known =
            Caffeine.newBuilder().weakKeys().build();

    private final FieldCollector fieldCollector = new FieldCollector();

    SelectedField of(GraphQLObjectType parent, MergedField field, ExecutionContext context) {
        Map<GraphQLObjectType, SelectedField> byParent =
                known.get(field.getSingleField(), key -> new ConcurrentHashMap<>(1));
        SelectedField found = byParent.get(parent);
        if (found == null) {
            found = analyze(parent, field, context);
            byParent.put(parent, found);
        }
        return found;
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
            // The analysis is cached under the first of the merged fields, which may occur alone elsewhere.
            if (!PropertyShortcut.isSimple(each)) {
                return null;
            }
            SelectedField property = of(type, each, context);
            if (!property.isReadable()) {
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
