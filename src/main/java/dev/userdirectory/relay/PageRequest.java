package dev.userdirectory.relay;

import dev.userdirectory.input.BadUserInput;
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
 * The page of a connection that a field's arguments and selection ask for (Relay Cursor Connections, 4).
 *
 * @param backward whether to return the last {@code size} rows of the range, not the first
 * @param after the keys of the row after which the range starts, or null
 * @param before the keys of the row before which the range ends, or null
 * @param previousPage whether {@code hasPreviousPage} is selected
 * @param nextPage whether {@code hasNextPage} is selected
 */
public record PageRequest(
        Ordering ordering,
        int size,
        boolean backward,
        @Nullable List<String> after,
        @Nullable List<String> before,
        boolean previousPage,
        boolean nextPage,
        boolean totalCount) {

    private static final ConditionalNodes CONDITIONS = new ConditionalNodes();
    private static final int DEFAULT_SIZE = 20;
    private static final int MAX_SIZE = 100;

    /** Whether the rows of the page, and one more, answer the whole request. */
    boolean isOfRowsAlone() {
        return !totalCount && !(previousPage && after != null) && !(nextPage && before != null);
    }

    /** Includes a row that tells whether there is another page, unless the page is empty and that is not selected. */
    int rowsToRead() {
        boolean another = backward ? previousPage : nextPage;
        return size == 0 && !another ? 0 : size + 1;
    }

    PageRequest withoutTotalCount() {
        return new PageRequest(ordering, size, backward, after, before, previousPage, nextPage, false);
    }

    /** Asks for the count alone, which is the same for every page of a list. */
    PageRequest ofTotalCountAlone() {
        return new PageRequest(ordering, 0, false, null, null, false, false, true);
    }

    /** @throws BadUserInput naming the argument that cannot be served */
    public static PageRequest of(DataFetchingEnvironment env, Ordering ordering, Cursors cursors) {
        Integer first = env.getArgument("first");
        Integer last = env.getArgument("last");
        if (first != null && last != null) {
            throw new BadUserInput("last", "cannot be given together with `first`.");
        }
        checkSize("first", first);
        checkSize("last", last);
        String after = env.getArgument("after");
        String before = env.getArgument("before");
        return new PageRequest(
                ordering,
                last != null ? last : first != null ? first : DEFAULT_SIZE,
                last != null,
                after == null ? null : keys("after", after, ordering, cursors),
                before == null ? null : keys("before", before, ordering, cursors),
                selects(env, "pageInfo", "hasPreviousPage"),
                selects(env, "pageInfo", "hasNextPage"),
                selects(env, "totalCount"));
    }

    /** A cursor may contain further values after the keys of the ordering. */
    private static List<String> keys(String argument, String cursor, Ordering ordering, Cursors cursors) {
        return cursors.decode(argument, ordering.name(), cursor)
                .subList(0, ordering.keys().size());
    }

    /** Like {@code env.getSelectionSet()}, which would normalize the whole operation for each request. */
    private static boolean selects(DataFetchingEnvironment env, String... path) {
        return env.getMergedField().getFields().stream()
                .anyMatch(field -> selects(field.getSelectionSet(), List.of(path), env));
    }

    private static boolean selects(
            @Nullable SelectionSet selectionSet, List<String> path, DataFetchingEnvironment env) {
        List<Selection> selections = selectionSet == null ? List.of() : selectionSet.getSelections();
        for (Selection<?> selection : selections) {
            boolean included = CONDITIONS.shouldInclude(
                    (DirectivesContainer<?>) selection, env.getVariables(), env.getGraphQLSchema(), null);
            boolean selects = switch (selection) {
                case Field field ->
                    field.getName().equals(path.getFirst())
                            && (path.size() == 1
                                    || selects(field.getSelectionSet(), path.subList(1, path.size()), env));
                case InlineFragment fragment -> selects(fragment.getSelectionSet(), path, env);
                case FragmentSpread spread -> selects(fragment(spread, env).getSelectionSet(), path, env);
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

    private static void checkSize(String argument, @Nullable Integer size) {
        if (size != null && (size < 0 || size > MAX_SIZE)) {
            throw new BadUserInput(argument, "must be from 0 to " + MAX_SIZE + ", not " + size + ".");
        }
    }
}
