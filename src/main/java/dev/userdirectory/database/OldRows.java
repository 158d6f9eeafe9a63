package dev.userdirectory.database;

import org.springframework.jdbc.core.JdbcTemplate;

/**
 * Rows of a table that are deleted after their retention, in small steps, so that locks and transactions stay short.
 */
public interface OldRows {
    /**
     * Deletes the oldest rows past their retention: at most {@code limit}, and fewer if they are large.
     *
     * @param jdbc a connection outside the pool
     * @return whether there may be more of them
     */
    boolean delete(JdbcTemplate jdbc, int limit);
}
