package dev.userdirectory.event;

import com.netflix.graphql.dgs.DgsComponent;
import com.netflix.graphql.dgs.DgsData;
import com.netflix.graphql.dgs.DgsDataFetchingEnvironment;
import com.netflix.graphql.dgs.DgsTypeResolver;
import dev.userdirectory.generated.types.DirectoryEventType;
import dev.userdirectory.generated.types.UserEventType;
import dev.userdirectory.group.Group;
import dev.userdirectory.relay.Cursors;
import dev.userdirectory.user.User;
import dev.userdirectory.user.UserDataLoader;
import graphql.schema.DataFetchingEnvironment;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** The fields of events, and of the connections over them. */
@DgsComponent
public class EventFieldDataFetcher {
    private final DirectoryEvents events;
    private final Cursors cursors;

    EventFieldDataFetcher(DirectoryEvents events, Cursors cursors) {
        this.events = events;
        this.cursors = cursors;
    }

    /** Public, since DGS calls it by reflection. */
    @DgsTypeResolver(name = "DirectoryEvent")
    public String type(DirectoryEvent event) {
        return event.typeName();
    }

    @DgsData(parentType = "UserEvent", field = "type")
    UserEventType typeOfUserEvent(DataFetchingEnvironment env) {
        DirectoryEventType type = event(env).type();
        return switch (type) {
            case USER_CREATED -> UserEventType.CREATED;
            case USER_UPDATED -> UserEventType.UPDATED;
            case USER_DELETED -> UserEventType.DELETED;
            default -> throw new IllegalStateException("userEvents shows no " + type);
        };
    }

    @DgsData(parentType = "UserEvent", field = "cursor")
    @DgsData(parentType = "DirectoryEvent", field = "cursor")
    String cursor(DataFetchingEnvironment env) {
        return event(env).position().cursor(cursors);
    }

    @DgsData(parentType = "UserEvent", field = "user")
    @DgsData(parentType = "UserCreated", field = "user")
    @DgsData(parentType = "UserUpdated", field = "user")
    @DgsData(parentType = "UserDeleted", field = "user")
    @DgsData(parentType = "MemberAdded", field = "user")
    @DgsData(parentType = "MemberRemoved", field = "user")
    CompletableFuture<@Nullable User> user(DgsDataFetchingEnvironment env) {
        return env.<UUID, @Nullable User>getDataLoader(UserDataLoader.class)
                .load(Objects.requireNonNull(event(env).user()));
    }

    @DgsData(parentType = "GroupCreated", field = "group")
    @DgsData(parentType = "GroupUpdated", field = "group")
    @DgsData(parentType = "GroupDeleted", field = "group")
    @DgsData(parentType = "MemberAdded", field = "group")
    @DgsData(parentType = "MemberRemoved", field = "group")
    CompletableFuture<@Nullable Group> group(DgsDataFetchingEnvironment env) {
        return Objects.requireNonNull(env.<UUID, @Nullable Group>getDataLoader(Group.TYPE.typeName()))
                .load(Objects.requireNonNull(event(env).group()));
    }

    @DgsData(parentType = "UserEventConnection", field = "newestCursor")
    @DgsData(parentType = "DirectoryEventConnection", field = "newestCursor")
    String newestCursor() {
        return events.eras().startIfNone(events.end()).cursor(cursors);
    }

    private static DirectoryEvent event(DataFetchingEnvironment env) {
        return Objects.requireNonNull(env.getSource());
    }
}
