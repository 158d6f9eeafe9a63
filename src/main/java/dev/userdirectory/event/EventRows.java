package dev.userdirectory.event;

import dev.userdirectory.database.Actor;
import dev.userdirectory.event.Position.Seen;
import java.sql.Array;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.OffsetDateTime;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;

/** Maps rows of settled events. */
@Component
class EventRows {
    static final String XMIN = "pg_snapshot_xmin(pg_current_snapshot())::text::bigint";

    /**
     * The columns that a statement on {@code user_events e} selects. PostgreSQL executes each subquery at most once per
     * statement.
     */
    static final String COLUMNS =
            "e.transaction, e.sequence, e.writer, e.type, e.user_id, e.group_id, e.changed, e.actor_subject,"
                    + " e.actor_client, e.occurred_at, (select " + XMIN
                    + ") as settled_before, (select feed_era()) as era, (select feed_wal()) as wal";

    private final Coverage coverage;

    EventRows(Coverage coverage) {
        this.coverage = coverage;
    }

    /** @param settled the position up to which the feed is known to be settled in spite of open transactions */
    DirectoryEvent read(ResultSet row, Position settled) throws SQLException {
        long transaction = row.getLong("transaction");
        long sequence = row.getLong("sequence");
        long settledBefore = row.getLong("settled_before");
        Seen now = new Seen(row.getLong("era"), row.getLong("wal"));
        Seen seen = coverage.of(
                new Position(transaction, sequence, now),
                transaction < settledBefore ? new Position(settledBefore - 1, Long.MAX_VALUE, now) : settled,
                now);
        return new DirectoryEvent(
                new Position(transaction, sequence, seen),
                row.getLong("writer"),
                EventFilter.type(row.getString("type")),
                row.getObject("user_id", UUID.class),
                row.getObject("group_id", UUID.class),
                changed(row.getArray("changed")),
                actor(row.getString("actor_subject"), row.getString("actor_client")),
                row.getObject("occurred_at", OffsetDateTime.class));
    }

    private static List<String> changed(@Nullable Array fields) throws SQLException {
        return fields == null ? List.of() : List.of((String[]) fields.getArray());
    }

    private static @Nullable Actor actor(@Nullable String subject, @Nullable String client) {
        return subject == null ? null : new Actor(subject, client);
    }
}
