package dev.userdirectory.event;

import dev.userdirectory.generated.types.UserEventType;
import dev.userdirectory.relay.GlobalId;
import dev.userdirectory.relay.NodeType;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.OffsetDateTime;
import java.util.UUID;

/** A row of {@code user_events}, and the schema's {@code UserEvent}. */
public record UserEvent(Position position, UserEventType type, UUID user, OffsetDateTime occurredAt) {
    static final String COLUMNS = "e.transaction, e.sequence, e.type, e.user_id, e.occurred_at";

    static UserEvent read(ResultSet row, int rowNumber) throws SQLException {
        return new UserEvent(
                new Position(row.getLong("transaction"), row.getLong("sequence")),
                UserEventType.valueOf(row.getString("type")),
                row.getObject("user_id", UUID.class),
                row.getObject("occurred_at", OffsetDateTime.class));
    }

    public String getUserId() {
        return new GlobalId(NodeType.USER, user).toString();
    }
}
