package dev.userdirectory.subscription;

import com.netflix.graphql.types.errors.ErrorType;
import com.netflix.graphql.types.errors.TypedGraphQLError;
import dev.userdirectory.error.ErrorCode;
import graphql.execution.AbortExecutionException;
import graphql.execution.instrumentation.DocumentAndVariables;
import graphql.execution.instrumentation.InstrumentationState;
import graphql.execution.instrumentation.SimplePerformantInstrumentation;
import graphql.execution.instrumentation.parameters.InstrumentationExecutionParameters;
import graphql.language.DirectivesContainer;
import graphql.language.Document;
import graphql.language.FragmentDefinition;
import graphql.language.FragmentSpread;
import graphql.language.InlineFragment;
import graphql.language.OperationDefinition;
import graphql.language.OperationDefinition.Operation;
import graphql.language.Selection;
import graphql.language.SelectionSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;

/**
 * GraphQL 5.2.4.1 (September 2025): a subscription's root field must not have {@code @skip} or {@code @include}.
 * graphql-java's own rule fails with an exception if a directive skips that field.
 */
@Component
class RootFieldRule extends SimplePerformantInstrumentation {
    @Override
    public DocumentAndVariables instrumentDocumentAndVariables(
            DocumentAndVariables parsed,
            InstrumentationExecutionParameters parameters,
            @Nullable InstrumentationState state) {
        Document document = parsed.getDocument();
        Map<String, FragmentDefinition> unchecked = new HashMap<>();
        for (FragmentDefinition fragment : document.getDefinitionsOfType(FragmentDefinition.class)) {
            unchecked.putIfAbsent(fragment.getName(), fragment);
        }
        for (OperationDefinition operation : document.getDefinitionsOfType(OperationDefinition.class)) {
            if (operation.getOperation() == Operation.SUBSCRIPTION) {
                check(operation.getSelectionSet(), unchecked);
            }
        }
        return parsed;
    }

    /** @param unchecked the fragments that have not been checked yet, by name */
    private static void check(@Nullable SelectionSet selections, Map<String, FragmentDefinition> unchecked) {
        if (selections == null) {
            return;
        }
        for (Selection<?> selection : selections.getSelections()) {
            if (selection instanceof DirectivesContainer<?> container
                    && (container.hasDirective("skip") || container.hasDirective("include"))) {
                throw new AbortExecutionException(List.of(TypedGraphQLError.newBuilder()
                        .errorType(ErrorType.BAD_REQUEST)
                        .message("The root field of a subscription must not be skipped or included by a directive")
                        .location(selection.getSourceLocation())
                        .extensions(ErrorCode.GRAPHQL_VALIDATION_FAILED.extensions())
                        .build()));
            }
            if (selection instanceof InlineFragment fragment) {
                check(fragment.getSelectionSet(), unchecked);
            } else if (selection instanceof FragmentSpread spread) {
                FragmentDefinition fragment = unchecked.remove(spread.getName());
                if (fragment != null) {
                    check(fragment.getSelectionSet(), unchecked);
                }
            }
        }
    }
}
