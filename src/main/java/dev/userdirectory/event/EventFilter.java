package dev.userdirectory.event;

import static dev.userdirectory.generated.types.DirectoryEventType.USER_CREATED;
import static dev.userdirectory.generated.types.DirectoryEventType.USER_DELETED;
import static dev.userdirectory.generated.types.DirectoryEventType.USER_UPDATED;

import dev.userdirectory.generated.types.DirectoryEventType;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Selects events, in memory and in SQL.
 *
 * @param user whose events, or null for everybody's
 * @param group whose events, or null for those of all groups and of none
 */
record EventFilter(
        Set<DirectoryEventType> types,
        @Nullable UUID user,
        @Nullable UUID group) {
    private static final Set<DirectoryEventType> OF_USERS =
            Collections.unmodifiableSet(EnumSet.of(USER_CREATED, USER_UPDATED, USER_DELETED));

    /** Leaves out events whose type only a newer version of the service knows. */
    static final EventFilter ALL = new EventFilter(EnumSet.allOf(DirectoryEventType.class), null, null);

    /** What {@code userEvents} shows. */
    static EventFilter ofUsers(@Nullable UUID user) {
        return new EventFilter(OF_USERS, user, null);
    }

    boolean matches(DirectoryEvent event) {
        return types.contains(event.type())
                && (user == null || user.equals(event.user()))
                && (group == null || group.equals(event.group()));
    }

    /** The events that an index finds: the types of this filter have to be selected among them. */
    EventFilter indexed() {
        return new EventFilter(isOfUsers() ? OF_USERS : ALL.types, user, group);
    }

    /** Whether memberships make no difference. */
    boolean isOfUsersAlone() {
        return group == null && isOfUsers();
    }

    private boolean isOfUsers() {
        return OF_USERS.containsAll(types);
    }

    /** A condition on {@code user_events e}, with placeholders for {@link #args()}. */
    String sql() {
        return types.stream().map(EventFilter::stored).collect(Collectors.joining("', '", "e.type in ('", "')"))
                + (isOfUsers() ? " and e.group_id is null" : "")
                + (user == null ? "" : " and e.user_id = ?")
                + (group == null ? "" : " and e.group_id = ?");
    }

    List<Object> args() {
        List<Object> args = new ArrayList<>();
        if (user != null) {
            args.add(user);
        }
        if (group != null) {
            args.add(group);
        }
        return args;
    }

    /** Events of users were there first: their types have no prefix in the table. */
    private static String stored(DirectoryEventType type) {
        return OF_USERS.contains(type) ? type.name().substring("USER_".length()) : type.name();
    }

    static DirectoryEventType type(String stored) {
        return DirectoryEventType.valueOf(stored.contains("_") ? stored : "USER_" + stored);
    }
}
