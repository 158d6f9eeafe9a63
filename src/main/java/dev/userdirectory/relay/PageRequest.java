package dev.userdirectory.relay;

import dev.userdirectory.input.BadUserInput;
import graphql.schema.DataFetchingEnvironment;
import graphql.schema.DataFetchingFieldSelectionSet;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a field's arguments and selection ask of a connection (Relay Cursor Connections, 4).
 *
 * @param backward whether it is the last {@code size} rows of the range that are wanted, not the first
 * @param after the keys of the row that the range starts behind, or null
 * @param before the keys of the row that the range ends at, or null
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

    private static final int DEFAULT_SIZE = 20;
    private static final int MAX_SIZE = 100;

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
        DataFetchingFieldSelectionSet selection = env.getSelectionSet();
        return new PageRequest(
                ordering,
                last != null ? last : first != null ? first : DEFAULT_SIZE,
                last != null,
                after == null ? null : cursors.decode("after", ordering.name(), after),
                before == null ? null : cursors.decode("before", ordering.name(), before),
                selection.contains("pageInfo/hasPreviousPage"),
                selection.contains("pageInfo/hasNextPage"),
                selection.contains("totalCount"));
    }

    private static void checkSize(String argument, @Nullable Integer size) {
        if (size != null && (size < 0 || size > MAX_SIZE)) {
            throw new BadUserInput(argument, "must be from 0 to " + MAX_SIZE + ", not " + size + ".");
        }
    }
}
