package dev.userdirectory.relay;

import java.util.List;
import org.springframework.jdbc.core.RowMapper;

/**
 * The rows of a connection, in SQL.
 *
 * @param from the tables, with their aliases
 * @param where which of their rows; in a nested connection it tells by {@code parent.id} whose they are
 * @param args the values of the placeholders in {@code where}
 * @param columns what the mapper reads
 */
public record Rows<T>(String from, String where, List<?> args, String columns, RowMapper<T> mapper) {}
