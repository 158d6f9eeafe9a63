package dev.userdirectory.event;

import dev.userdirectory.generated.types.UserEventType;
import dev.userdirectory.relay.GlobalId;
import dev.userdirectory.relay.NodeType;
import java.time.OffsetDateTime;
import java.util.UUID;

/** A row of {@code user_events}, and the schema's {@code UserEvent}. */
public record UserEvent(Position position, UserEventType type, UUID user, OffsetDateTime occurredAt) {
    public String getUserId() {
        return new GlobalId(NodeType.USER, user).toString();
    }
}
