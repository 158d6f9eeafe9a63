package dev.userdirectory.webhook;

import java.util.Objects;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.springframework.jdbc.core.JdbcTemplate;

/**
 * A webhook's row in the database, and the lock that lets only one instance at a time deliver. The connection holds the
 * lock, so an instance that has lost it can no longer move the cursor.
 */
final class WebhookRow {
    /**
     * The progress of the receiver.
     *
     * @param hasUnreportedLoss whether a restore has undone events that the receiver has not been told about
     */
    record Place(String cursor, boolean hasUnreportedLoss) {}

    private final JdbcTemplate jdbc;
    private final String name;

    WebhookRow(JdbcTemplate jdbc, String name) {
        this.jdbc = jdbc;
        this.name = name;
    }

    boolean lock() {
        return Boolean.TRUE.equals(jdbc.queryForObject(
                "select pg_try_advisory_lock(hashtextextended(?, 'webhooks'::regclass::oid::bigint))",
                Boolean.class,
                name));
    }

    /** Adds the row if there is none. The suppliers are called only in that case. */
    void create(Supplier<String> cursor, LongSupplier toldOf) {
        if (jdbc.queryForList("select from webhooks where name = ?", name).isEmpty()) {
            jdbc.update(
                    "insert into webhooks (name, cursor, told_of) values (?, ?, ?) on conflict do nothing",
                    name,
                    cursor.get(),
                    toldOf.getAsLong());
        }
    }

    String cursor() {
        return place().cursor();
    }

    Place place() {
        return Objects.requireNonNull(jdbc.queryForObject(
                "select cursor, exists (select from feed_eras where lossy and number > told_of) from webhooks where name = ?",
                (row, number) -> new Place(row.getString(1), row.getBoolean(2)),
                name));
    }

    /**
     * Moves the cursor, unless an administrator has moved it in the meantime. A crash of PostgreSQL may undo the move;
     * events are then sent again.
     */
    void move(String from, String to) {
        jdbc.update(
                "update webhooks set cursor = ? where name = ? and cursor = ?"
                        + " and set_config('synchronous_commit', 'off', true) is not null",
                to,
                name,
                from);
    }

    /** Also records that the receiver has been told about that lossy era. */
    void move(String from, String to, long toldOf) {
        jdbc.update(
                "update webhooks set cursor = ?, told_of = ? where name = ? and cursor = ?"
                        + " and set_config('synchronous_commit', 'off', true) is not null",
                to,
                toldOf,
                name,
                from);
    }
}
