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
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Selects events, in memory and in SQL.
 *
 * @param user the user whose events are selected; null does not filter
 * @param group the group whose events are selected; null does not filter
 */
record EventFilter(
        Set<DirectoryEventType> types,
        @Nullable UUID user,
        @Nullable UUID group) {
    private static final Set<DirectoryEventType> OF_USERS =
            Collections.unmodifiableSet(EnumSet.of(USER_CREATED, USER_UPDATED, USER_DELETED));

    private static final Set<String> KNOWN =
            Stream.of(DirectoryEventType.values()).map(EventFilter::stored).collect(Collectors.toUnmodifiableSet());

    /** Selects all events, except those of types that only a newer version of the service knows. */
    static final EventFilter ALL = new EventFilter(EnumSet.allOf(DirectoryEventType.class), null, null);

    /** Selects the events that {@code userEvents} shows: those of one user, or of all users if it is null. */
    static EventFilter ofUsers(@Nullable UUID user) {
        return new EventFilter(OF_USERS, user, null);
    }

    boolean matches(DirectoryEvent event) {
        return types.contains(event.type())
                && (user == null || user.equals(event.user()))
                && (group == null || group.equals(event.group()));
    }

    /**
     * A coarser filter that an index supports: no index has the user and the group of an event. {@link #matches} then
     * has to select the right events.
     */
    EventFilter indexed() {
        return new EventFilter(isOfUsers() ? OF_USERS : ALL.types, user, user == null ? group : null);
    }

    /** Whether the filter is only about users, not about groups or memberships. */
    boolean concernsOnlyUsers() {
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

    /** Events of users came first, so their types have no prefix in the table. */
    private static String stored(DirectoryEventType type) {
        return OF_USERS.contains(type) ? type.name().substring("USER_".length()) : type.name();
    }

    /** Whether this version of the service knows a type in the table; a newer version may have more types. */
    static boolean isKnown(String stored) {
        return KNOWN.contains(stored);
    }

    static DirectoryEventType type(String stored) {
        return DirectoryEventType.valueOf(stored.contains("_") ? stored : "USER_" + stored);
    }
}
