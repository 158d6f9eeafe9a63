package dev.userdirectory.graphql.operation;

import graphql.GraphQLError;
import graphql.execution.AbortExecutionException;
import graphql.execution.CoercedVariables;
import graphql.execution.ExecutionContext;
import graphql.execution.instrumentation.InstrumentationState;
import graphql.execution.instrumentation.SimplePerformantInstrumentation;
import graphql.execution.instrumentation.parameters.InstrumentationExecutionParameters;
import graphql.introspection.Introspection;
import graphql.language.Argument;
import graphql.language.ArrayValue;
import graphql.language.BooleanValue;
import graphql.language.Directive;
import graphql.language.DirectivesContainer;
import graphql.language.Field;
import graphql.language.FragmentDefinition;
import graphql.language.FragmentSpread;
import graphql.language.InlineFragment;
import graphql.language.ObjectField;
import graphql.language.ObjectValue;
import graphql.language.OperationDefinition.Operation;
import graphql.language.Selection;
import graphql.language.SelectionSet;
import graphql.language.TypeName;
import graphql.language.Value;
import graphql.language.VariableReference;
import graphql.schema.GraphQLArgument;
import graphql.schema.GraphQLCompositeType;
import graphql.schema.GraphQLDirective;
import graphql.schema.GraphQLFieldDefinition;
import graphql.schema.GraphQLInputObjectType;
import graphql.schema.GraphQLList;
import graphql.schema.GraphQLSchema;
import graphql.schema.GraphQLType;
import graphql.schema.GraphQLTypeUtil;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;

/**
 * Finds variables that are null where null is not allowed. Validation accepts a nullable variable with a default in
 * such a place. If the client then sends null for it, GraphQL 6.4.1 requires a field error. graphql-java instead fails
 * in various ways, or passes the null to the data fetcher. Here the whole operation fails before any field is executed.
 */
@Component
public class NullVariables extends SimplePerformantInstrumentation {
    @Override
    public ExecutionContext instrumentExecutionContext(
            ExecutionContext context,
            InstrumentationExecutionParameters parameters,
            @Nullable InstrumentationState state) {
        if (context.getCoercedVariables().toMap().containsValue(null)) {
            new Walk(context, context.getGraphQLSchema(), context.getCoercedVariables()).operation();
        }
        return context;
    }

    /** Visits every selection that is not skipped. */
    private record Walk(ExecutionContext context, GraphQLSchema schema, CoercedVariables variables) {
        void operation() {
            GraphQLCompositeType root = switch (context.getOperationDefinition().getOperation()) {
                case QUERY -> schema.getQueryType();
                case MUTATION -> schema.getMutationType();
                case SUBSCRIPTION -> schema.getSubscriptionType();
            };
            selections(context.getOperationDefinition().getSelectionSet(), Objects.requireNonNull(root), List.of());
        }

        private void selections(@Nullable SelectionSet set, GraphQLCompositeType parent, List<Object> path) {
            if (set == null) {
                return;
            }
            for (Selection<?> selection : set.getSelections()) {
                if (!isIncluded((DirectivesContainer<?>) selection, path)) {
                    continue;
                }
                switch (selection) {
                    case Field field -> field(field, parent, path);
                    case InlineFragment fragment ->
                        selections(fragment.getSelectionSet(), type(fragment.getTypeCondition(), parent), path);
                    case FragmentSpread spread -> {
                        FragmentDefinition fragment = Objects.requireNonNull(
                                context.getFragmentsByName().get(spread.getName()));
                        selections(fragment.getSelectionSet(), type(fragment.getTypeCondition(), parent), path);
                    }
                    default -> {}
                }
            }
        }

        private GraphQLCompositeType type(@Nullable TypeName condition, GraphQLCompositeType parent) {
            return condition == null
                    ? parent
                    : (GraphQLCompositeType) Objects.requireNonNull(schema.getType(condition.getName()));
        }

        private void field(Field field, GraphQLCompositeType parent, List<Object> outer) {
            List<Object> path = new ArrayList<>(outer);
            path.add(field.getResultKey());
            GraphQLFieldDefinition definition = Introspection.getFieldDef(schema, parent, field.getName());
            arguments(field.getArguments(), definition.getArguments(), path);
            if (GraphQLTypeUtil.unwrapAll(definition.getType()) instanceof GraphQLCompositeType type) {
                selections(field.getSelectionSet(), type, path);
            }
        }

        private boolean isIncluded(DirectivesContainer<?> selection, List<Object> path) {
            boolean included = true;
            for (Directive directive : selection.getDirectives()) {
                GraphQLDirective definition = Objects.requireNonNull(schema.getDirective(directive.getName()));
                arguments(directive.getArguments(), definition.getArguments(), path);
                boolean skip = directive.getName().equals("skip");
                if (skip || directive.getName().equals("include")) {
                    included &= skip != isTrue(directive.getArgument("if").getValue());
                }
            }
            return included;
        }

        private boolean isTrue(Value<?> condition) {
            return condition instanceof VariableReference variable
                    ? Boolean.TRUE.equals(variables.get(variable.getName()))
                    : condition instanceof BooleanValue literal && literal.isValue();
        }

        private void arguments(List<Argument> given, List<GraphQLArgument> definitions, List<Object> path) {
            for (Argument argument : given) {
                definitions.stream()
                        .filter(definition -> definition.getName().equals(argument.getName()))
                        .forEach(definition ->
                                value(argument.getValue(), definition.getType(), argument.getName(), path));
            }
        }

        /** @param name the path to the value from its argument, as in {@code users.3.email} */
        private void value(Value<?> value, GraphQLType type, String name, List<Object> path) {
            GraphQLType nullable = GraphQLTypeUtil.unwrapNonNull(type);
            if (value instanceof VariableReference variable) {
                String reference = variable.getName();
                if (GraphQLTypeUtil.isNonNull(type)
                        && variables.containsKey(reference)
                        && variables.get(reference) == null) {
                    GraphQLError error = NullVariable.error(name, variable, path);
                    // For a subscription this is a request error, since there is no source stream.
                    throw context.getOperationDefinition().getOperation() == Operation.SUBSCRIPTION
                            ? new AbortExecutionException(List.of(error))
                            : new NullVariable(error);
                }
            } else if (nullable instanceof GraphQLList list) {
                if (value instanceof ArrayValue array) {
                    for (int i = 0; i < array.getValues().size(); i++) {
                        value(array.getValues().get(i), list.getWrappedType(), name + "." + i, path);
                    }
                } else {
                    value(value, list.getWrappedType(), name, path);
                }
            } else if (nullable instanceof GraphQLInputObjectType objectType && value instanceof ObjectValue object) {
                for (ObjectField field : object.getObjectFields()) {
                    GraphQLType fieldType =
                            objectType.getFieldDefinition(field.getName()).getType();
                    value(field.getValue(), fieldType, name + "." + field.getName(), path);
                }
            }
        }
    }
}
