package dev.userdirectory.page;

import dev.userdirectory.input.BadUserInput;
import dev.userdirectory.relay.Cursors;
import graphql.schema.DataFetchingEnvironment;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The page of a connection that a field's arguments and selection request (Relay Cursor Connections, 4).
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

    private static final int DEFAULT_SIZE = 20;
    private static final int MAX_SIZE = 100;

    /** Whether the rows of the page, and one more, are enough for the whole request. */
    boolean needsOnlyRows() {
        return !totalCount && !(previousPage && after != null) && !(nextPage && before != null);
    }

    /** Whether the row after the page's last one, in the direction of reading, tells if there is another page. */
    boolean isOpenAhead() {
        return !totalCount && (backward ? !(previousPage && after != null) : !(nextPage && before != null));
    }

    /** Whether to check for rows that the range leaves out in the other direction. */
    boolean looksBehind() {
        return backward ? nextPage && before != null : previousPage && after != null;
    }

    /**
     * The number of rows to read. Includes a row that tells if there is another page, unless the size is 0 and that is
     * not selected.
     */
    int rowsToRead() {
        boolean another = backward ? previousPage : nextPage;
        return size == 0 && !another ? 0 : size + 1;
    }

    PageRequest withoutTotalCount() {
        return new PageRequest(ordering, size, backward, after, before, previousPage, nextPage, false);
    }

    /** The same request, starting after the row with these keys. */
    public PageRequest after(List<String> keys) {
        return new PageRequest(ordering, size, backward, keys, before, previousPage, nextPage, totalCount);
    }

    /** Requests the count alone, which is the same for every page of a list. */
    PageRequest forTotalCountOnly() {
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
                SelectedFields.contain(env, "pageInfo", "hasPreviousPage"),
                SelectedFields.contain(env, "pageInfo", "hasNextPage"),
                SelectedFields.contain(env, "totalCount"));
    }

    /** A cursor may contain further values after the keys of the ordering. */
    private static List<String> keys(String argument, String cursor, Ordering ordering, Cursors cursors) {
        return cursors.decode(argument, ordering.name(), cursor)
                .subList(0, ordering.keys().size());
    }

    private static void checkSize(String argument, @Nullable Integer size) {
        if (size != null && (size < 0 || size > MAX_SIZE)) {
            throw new BadUserInput(argument, "must be from 0 to " + MAX_SIZE + ", not " + size + ".");
        }
    }
}
