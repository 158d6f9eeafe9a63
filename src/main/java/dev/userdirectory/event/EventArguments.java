package dev.userdirectory.event;

import dev.userdirectory.generated.types.DirectoryEventType;
import dev.userdirectory.group.Group;
import dev.userdirectory.input.BadUserInput;
import dev.userdirectory.relay.GlobalIds;
import dev.userdirectory.relay.NodeType;
import dev.userdirectory.user.User;
import java.time.OffsetDateTime;
import java.util.EnumSet;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;

/** Parses the arguments that queries and subscriptions of the feed share. */
@Component
class EventArguments {
    private static final UUID NOTHING = new UUID(0, 0);

    private final GlobalIds ids;

    EventArguments(GlobalIds ids) {
        this.ids = ids;
    }

    EventFilter ofUsers(@Nullable String userId) {
        return EventFilter.ofUsers(uuid("userId", userId, User.TYPE));
    }

    EventFilter filter(@Nullable List<DirectoryEventType> types, @Nullable String userId, @Nullable String groupId) {
        if (types != null && types.isEmpty()) {
            throw new BadUserInput("types", "must name at least one type.");
        }
        return new EventFilter(
                types == null ? EventFilter.ALL.types() : EnumSet.copyOf(types),
                uuid("userId", userId, User.TYPE),
                uuid("groupId", groupId, Group.TYPE));
    }

    static void checkStart(@Nullable String after, @Nullable OffsetDateTime since) {
        if (after != null && since != null) {
            throw new BadUserInput("since", "cannot be given together with `after`.");
        }
    }

    /** An ID of another type selects nothing. */
    private @Nullable UUID uuid(String argument, @Nullable String id, NodeType type) {
        return id == null ? null : ids.parse(argument, id).of(type).orElse(NOTHING);
    }
}
