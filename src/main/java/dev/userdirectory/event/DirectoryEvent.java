package dev.userdirectory.event;

import dev.userdirectory.database.Actor;
import dev.userdirectory.generated.types.DirectoryEventType;
import dev.userdirectory.group.Group;
import dev.userdirectory.relay.GlobalId;
import dev.userdirectory.user.User;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * A row of {@code user_events}: the schema's {@code DirectoryEvent} of every type, and its {@code UserEvent}.
 *
 * @param user null in events of a group
 * @param group null in events of a user
 * @param writer the ID of the transaction that appended the event; 0 if it was not recorded
 * @param changed the values of {@code UserField} or {@code GroupField} in an update
 */
public record DirectoryEvent(
        Position position,
        long writer,
        DirectoryEventType type,
        @Nullable UUID user,
        @Nullable UUID group,
        List<String> changed,
        @Nullable Actor actor,
        OffsetDateTime occurredAt) {

    /** The same event for a client that had already seen {@code before}; see {@link Position#having}. */
    DirectoryEvent having(Position.Seen before) {
        return before.export() == null
                ? this
                : new DirectoryEvent(position.having(before), writer, type, user, group, changed, actor, occurredAt);
    }

    /**
     * Identifies the event. Unlike its cursor, this is the same on every instance. The time distinguishes the event
     * from one that was lost in a failover and may have had the same numbers.
     */
    public String id() {
        return position.transaction() + "-" + position.sequence() + "-"
                + ChronoUnit.MICROS.between(Instant.EPOCH, occurredAt.toInstant());
    }

    /** The name of the event's type in the schema. */
    public String typeName() {
        return switch (type) {
            case USER_CREATED -> "UserCreated";
            case USER_UPDATED -> "UserUpdated";
            case USER_DELETED -> "UserDeleted";
            case GROUP_CREATED -> "GroupCreated";
            case GROUP_UPDATED -> "GroupUpdated";
            case GROUP_DELETED -> "GroupDeleted";
            case MEMBER_ADDED -> "MemberAdded";
            case MEMBER_REMOVED -> "MemberRemoved";
        };
    }

    /** Whether the event's type has the field {@code changed}. */
    public boolean isUpdate() {
        return type == DirectoryEventType.USER_UPDATED || type == DirectoryEventType.GROUP_UPDATED;
    }

    public @Nullable String getUserId() {
        return user == null ? null : new GlobalId(User.TYPE, user).toString();
    }

    public @Nullable String getGroupId() {
        return group == null ? null : new GlobalId(Group.TYPE, group).toString();
    }
}
