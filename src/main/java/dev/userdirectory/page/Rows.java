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
 * @param count an expression for the number of rows without a filter, if one is cheaper than counting them
 * @param filter further conditions that the index of the ordering cannot serve, joined by {@code and}
 * @param filterArgs the values of the placeholders in the filter
 * @param cursors makes a row's cursor, if it is to contain more than the keys of the ordering
 */
public record Rows<T>(
        String from,
        String where,
        List<?> whereArgs,
        String columns,
        RowMapper<T> mapper,
        @Nullable String count,
        List<String> filter,
        List<?> filterArgs,
        @Nullable Function<T, String> cursors) {

    public Rows(String from, String where, String columns, RowMapper<T> mapper) {
        this(from, where, List.of(), columns, mapper);
    }

    public Rows(String from, String where, List<?> whereArgs, String columns, RowMapper<T> mapper) {
        this(from, where, whereArgs, columns, mapper, null, List.of(), List.of(), null);
    }

    public Rows<T> countedBy(String count) {
        return new Rows<>(from, where, whereArgs, columns, mapper, count, filter, filterArgs, cursors);
    }

    public Rows<T> filteredBy(List<String> filter, List<?> args) {
        return new Rows<>(from, where, whereArgs, columns, mapper, count, filter, args, cursors);
    }

    public Rows<T> withCursors(Function<T, String> cursors) {
        return new Rows<>(from, where, whereArgs, columns, mapper, count, filter, filterArgs, cursors);
    }
}
