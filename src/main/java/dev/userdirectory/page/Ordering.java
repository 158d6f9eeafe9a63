package dev.userdirectory.page;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.OffsetDateTime;
import java.util.List;
import java.util.UUID;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * A total order of rows: no two rows have the same keys, and an index has these columns in this order.
 *
 * @param name distinguishes the cursors of this ordering from all others, which are rejected
 * @param keys columns, most significant first; two at most
 */
public record Ordering(String name, boolean ascending, List<SortKey> keys) {
    private static final List<String> NAMES = List.of("key_0", "key_1");

    /**
     * @param column an SQL expression that is never null
     * @param type the PostgreSQL type to which the text from a cursor is cast
     */
    public record SortKey(String column, String type) {
        /** The type that is cheapest to read; PostgreSQL accepts its {@code toString} as a value of the key's type. */
        private Class<?> javaType() {
            return switch (type) {
                case "uuid" -> UUID.class;
                case "bigint" -> Long.class;
                case "timestamptz" -> OffsetDateTime.class;
                default -> String.class;
            };
        }
    }

    /** Returns the keys of a row that was selected by {@link #select()}, or null for a parent without rows. */
    Object @Nullable [] read(ResultSet row) throws SQLException {
        Object[] values = new Object[keys.size()];
        for (int i = 0; i < values.length; i++) {
            Object value = row.getObject(NAMES.get(i), keys.get(i).javaType());
            if (value == null) {
                return null;
            }
            values[i] = value;
        }
        return values;
    }

    /** Selects the row's keys as {@code key_0} and so on. */
    String select() {
        return IntStream.range(0, keys.size())
                .mapToObj(i -> keys.get(i).column() + " as " + NAMES.get(i))
                .collect(Collectors.joining(", "));
    }

    /** The same ordering, using the names that {@link #select()} gives the keys. */
    Ordering ofSelected() {
        return new Ordering(
                name,
                ascending,
                IntStream.range(0, keys.size())
                        .mapToObj(i -> new SortKey(NAMES.get(i), keys.get(i).type()))
                        .toList());
    }

    /** The condition for rows after a cursor, as one comparison of rows: the only form that PostgreSQL can seek. */
    String after(boolean inclusive) {
        return compare(ascending ? ">" : "<", inclusive);
    }

    String before(boolean inclusive) {
        return compare(ascending ? "<" : ">", inclusive);
    }

    /** Orders by the names that {@link #select()} gives the keys. */
    String orderBy(boolean backward) {
        String direction = ascending == backward ? " desc" : "";
        return NAMES.stream().limit(keys.size()).map(name -> name + direction).collect(Collectors.joining(", "));
    }

    private String compare(String operator, boolean inclusive) {
        String columns = keys.stream().map(SortKey::column).collect(Collectors.joining(", "));
        String values = keys.stream().map(key -> "?::" + key.type()).collect(Collectors.joining(", "));
        return "(" + columns + ") " + operator + (inclusive ? "=" : "") + " (" + values + ")";
    }
}
