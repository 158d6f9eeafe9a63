package dev.userdirectory.page;

import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.RowMapper;

/**
 * The rows of a connection, in SQL.
 *
 * @param from the tables, with their aliases
 * @param where a condition on their rows that the index of every ordering can serve; in a nested connection it selects
 *     the rows of {@code parent.id}
 * @param whereArgs the values of the placeholders in that condition
 * @param columns the columns that the mapper reads
 * @param count an expression for the number of rows that pass the filter, if one is cheaper than counting them
 * @param cursors makes a row's cursor, if it contains more than the keys of the ordering
 */
public record Rows<T>(
        String from,
        String where,
        List<?> whereArgs,
        String columns,
        RowMapper<T> mapper,
        @Nullable String count,
        Filter filter,
        @Nullable Function<T, String> cursors) {
    /** With more rows, sorting them would take longer than finding a page by walking. */
    public static final int FEW = 3000;

    public Rows(String from, String where, String columns, RowMapper<T> mapper) {
        this(from, where, List.of(), columns, mapper);
    }

    public Rows(String from, String where, List<?> whereArgs, String columns, RowMapper<T> mapper) {
        this(from, where, whereArgs, columns, mapper, null, Filter.NONE, null);
    }

    public Rows<T> countedBy(String count) {
        return new Rows<>(from, where, whereArgs, columns, mapper, count, filter, cursors);
    }

    public Rows<T> withCursors(Function<T, String> cursors) {
        return new Rows<>(from, where, whereArgs, columns, mapper, count, filter, cursors);
    }

    /** The rows that also meet a condition that the index of the ordering in use can serve. */
    public Rows<T> within(String condition, Object arg) {
        return new Rows<>(
                from, where + " and " + condition, Filter.with(whereArgs, arg), columns, mapper, null, filter, cursors);
    }

    /** The rows that also meet a condition that the index of the ordering cannot serve. */
    public Rows<T> filteredBy(String condition, Object... args) {
        return new Rows<>(from, where, whereArgs, columns, mapper, null, filter.and(condition, args), cursors);
    }

    /**
     * The same rows, declaring that a column of those that pass the filter has one of the values of a query. If these
     * are few, the rows are looked up and sorted right away, without a walk. The query may depend on the parent, but
     * not on the row.
     */
    public Rows<T> among(String column, String set, Object... args) {
        return new Rows<>(from, where, whereArgs, columns, mapper, count, filter.among(column, set, args), cursors);
    }

    /** The same rows, declaring that few of them pass the filter. */
    public Rows<T> few() {
        return new Rows<>(from, where, whereArgs, columns, mapper, count, filter.few(), cursors);
    }
}
