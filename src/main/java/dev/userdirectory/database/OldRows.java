package dev.userdirectory.database;

import org.springframework.jdbc.core.JdbcTemplate;

/** Rows of a table that are kept for a while. They are deleted in small steps, so that locks and transactions are short. */
public interface OldRows {
    /**
     * Deletes the oldest rows past their retention, fewer than the limit if they are large.
     *
     * @param jdbc a connection outside the pool
     * @return whether there may be more of them
     */
    boolean delete(JdbcTemplate jdbc, int limit);
}
