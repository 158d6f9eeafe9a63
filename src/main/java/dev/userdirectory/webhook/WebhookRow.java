package dev.userdirectory.webhook;

import java.time.Duration;
import java.util.Objects;
import java.util.function.Supplier;
import org.springframework.jdbc.core.JdbcTemplate;

/**
 * A webhook's row in the database, and the lock that lets one instance at a time deliver. The connection holds the lock,
 * so whoever has lost it cannot move the cursor any more.
 */
final class WebhookRow {
    /** How much longer PostgreSQL keeps the lock of an instance that has vanished without closing its connection. */
    private static final Duration GRACE = Duration.ofSeconds(30);

    private final JdbcTemplate jdbc;
    private final String name;

    WebhookRow(JdbcTemplate jdbc, String name) {
        this.jdbc = jdbc;
        this.name = name;
    }

    /** @param longest how long a holder of the lock may take until its next statement */
    void limitSilence(Duration longest) {
        jdbc.execute("set idle_session_timeout = " + longest.plus(GRACE).toMillis());
    }

    boolean lock() {
        return Boolean.TRUE.equals(jdbc.queryForObject(
                "select pg_try_advisory_lock(hashtextextended(?, 'webhooks'::regclass::oid::bigint))",
                Boolean.class,
                name));
    }

    /** Adds the row if there is none. */
    void create(Supplier<String> cursor) {
        if (jdbc.queryForList("select from webhooks where name = ?", name).isEmpty()) {
            jdbc.update("insert into webhooks (name, cursor) values (?, ?) on conflict do nothing", name, cursor.get());
        }
    }

    String cursor() {
        return Objects.requireNonNull(
                jdbc.queryForObject("select cursor from webhooks where name = ?", String.class, name));
    }

    /**
     * Moves the cursor, unless an administrator has meanwhile. A crash of PostgreSQL may lose the move, and then events are
     * sent again.
     */
    void move(String from, String to) {
        jdbc.update(
                "update webhooks set cursor = ? where name = ? and cursor = ?"
                        + " and set_config('synchronous_commit', 'off', true) is not null",
                to,
                name,
                from);
    }
}
