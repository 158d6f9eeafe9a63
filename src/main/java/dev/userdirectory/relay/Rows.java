package dev.userdirectory.relay;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.RowMapper;

/**
 * The rows of a connection, in SQL.
 *
 * @param from the tables, with their aliases
 * @param where which of their rows, as far as the index of every ordering can tell; in a nested connection it says by
 *     {@code parent.id} whose they are
 * @param columns what the mapper reads
 * @param count an expression for how many rows there are without a filter, if there is a cheaper one than to count them
 * @param filter conditions on those rows that the index of the ordering knows nothing of, joined by {@code and}
 * @param filterArgs the values of the placeholders in the filter
 */
public record Rows<T>(
        String from,
        String where,
        String columns,
        RowMapper<T> mapper,
        @Nullable String count,
        List<String> filter,
        List<?> filterArgs) {

    public Rows(String from, String where, String columns, RowMapper<T> mapper) {
        this(from, where, columns, mapper, null, List.of(), List.of());
    }

    public Rows<T> countedBy(String count) {
        return new Rows<>(from, where, columns, mapper, count, filter, filterArgs);
    }

    public Rows<T> filteredBy(List<String> filter, List<?> args) {
        return new Rows<>(from, where, columns, mapper, count, filter, args);
    }
}
