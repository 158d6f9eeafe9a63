package dev.userdirectory.database;

import org.springframework.jdbc.core.JdbcTemplate;

/** Rows of a table that are kept for a while. They are deleted in small steps, so that locks and transactions are short. */
public interface OldRows {
    /**
     * Deletes the oldest rows past their retention.
     *
     * @param jdbc a connection outside the pool
     * @return the number of deleted rows, at most the limit
     */
    int delete(JdbcTemplate jdbc, int limit);
}
