package dev.userdirectory.event;

import dev.userdirectory.relay.GlobalId;
import dev.userdirectory.user.User;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Objects;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.JdbcTemplate;

/** Decodes the feed's cursors, whose content clients must not rely on. */
public final class FeedCursors {
    /**
     * A condition on {@code user_events} that selects the events that a follower must receive after a cursor, with
     * placeholders for {@link #arguments}.
     */
    public static final String AFTER = "(transaction, sequence) > (?, ?)"
            + " and coalesce(not pg_visible_in_snapshot(writer::text::xid8, ?::pg_snapshot), true)";

    private static final int SIGNATURE_END = 10;

    private FeedCursors() {}

    static Position position(String cursor) {
        byte[] bytes = Base64.getUrlDecoder().decode(cursor);
        String text = new String(Arrays.copyOfRange(bytes, SIGNATURE_END, bytes.length), StandardCharsets.UTF_8);
        return Position.of(List.of(text.split("\0")));
    }

    /** The part that all cursors of an event have in common, whatever their readers had seen. */
    public static String place(String cursor) {
        Position position = position(cursor);
        return position.transaction() + " " + position.sequence();
    }

    public static @Nullable Object[] arguments(String cursor) {
        Position position = position(cursor);
        ExportSnapshot export = position.seen().export();
        return new @Nullable Object[] {
            position.transaction(), position.sequence(), export == null ? null : export.text()
        };
    }

    static String userOf(JdbcTemplate jdbc, String cursor) {
        Position position = position(cursor);
        return globalId(Objects.requireNonNull(jdbc.queryForObject(
                "select user_id from user_events where transaction = ? and sequence = ?",
                UUID.class,
                position.transaction(),
                position.sequence())));
    }

    /** Appends an event at the position of a lost one, as a server does that reuses the lost numbers. */
    static void reuse(JdbcTemplate jdbc, String cursor) {
        Position position = position(cursor);
        jdbc.update("""
                insert into user_events (transaction, sequence, type, user_id) overriding system value
                select ?, ?, 'UPDATED', user_id from user_events order by transaction desc, sequence desc limit 1
                on conflict do nothing
                """, position.transaction(), position.sequence());
    }

    static String globalId(UUID user) {
        return new GlobalId(User.TYPE, user).toString();
    }
}
