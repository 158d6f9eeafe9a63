package dev.userdirectory.page;

import graphql.execution.conditional.ConditionalNodes;
import graphql.language.DirectivesContainer;
import graphql.language.Field;
import graphql.language.FragmentDefinition;
import graphql.language.FragmentSpread;
import graphql.language.InlineFragment;
import graphql.language.Selection;
import graphql.language.SelectionSet;
import graphql.schema.DataFetchingEnvironment;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The fields selected below a field. Like {@code env.getSelectionSet()}, but without normalizing the whole operation.
 */
final class SelectedFields {
    private static final ConditionalNodes CONDITIONS = new ConditionalNodes();

    private SelectedFields() {}

    static boolean contain(DataFetchingEnvironment env, String... path) {
        return env.getMergedField().getFields().stream()
                .anyMatch(field -> contain(field.getSelectionSet(), List.of(path), env));
    }

    private static boolean contain(
            @Nullable SelectionSet selectionSet, List<String> path, DataFetchingEnvironment env) {
        List<Selection> selections = selectionSet == null ? List.of() : selectionSet.getSelections();
        for (Selection<?> selection : selections) {
            boolean included = CONDITIONS.shouldInclude(
                    (DirectivesContainer<?>) selection, env.getVariables(), env.getGraphQLSchema(), null);
            boolean selects = switch (selection) {
                case Field field ->
                    field.getName().equals(path.getFirst())
                            && (path.size() == 1
                                    || contain(field.getSelectionSet(), path.subList(1, path.size()), env));
                case InlineFragment fragment -> contain(fragment.getSelectionSet(), path, env);
                case FragmentSpread spread -> contain(fragment(spread, env).getSelectionSet(), path, env);
                default -> false;
            };
            if (included && selects) {
                return true;
            }
        }
        return false;
    }

    private static FragmentDefinition fragment(FragmentSpread spread, DataFetchingEnvironment env) {
        // Validation guarantees that the fragment exists.
        return Objects.requireNonNull(env.getFragmentsByName().get(spread.getName()));
    }
}
