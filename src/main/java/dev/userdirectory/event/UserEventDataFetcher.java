package dev.userdirectory.event;

import com.netflix.graphql.dgs.DgsComponent;
import com.netflix.graphql.dgs.DgsData;
import com.netflix.graphql.dgs.DgsDataFetchingEnvironment;
import com.netflix.graphql.dgs.DgsQuery;
import com.netflix.graphql.dgs.InputArgument;
import dev.userdirectory.graphql.scope.Refused;
import dev.userdirectory.relay.Connection;
import dev.userdirectory.relay.Cursors;
import dev.userdirectory.relay.NodeType;
import dev.userdirectory.relay.PageRequest;
import dev.userdirectory.relay.Pages;
import dev.userdirectory.relay.Rows;
import dev.userdirectory.user.User;
import graphql.schema.DataFetchingEnvironment;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import org.dataloader.DataLoader;
import org.jspecify.annotations.Nullable;

@DgsComponent
class UserEventDataFetcher {
    private final Pages pages;
    private final Cursors cursors;
    private final UserEvents events;
    private final Rows<UserEvent> rows;

    UserEventDataFetcher(Pages pages, Cursors cursors, UserEvents events) {
        this.pages = pages;
        this.cursors = cursors;
        this.events = events;
        rows = new Rows<>("user_events e", UserEvents.SETTLED, UserEvents.COLUMNS, events::read)
                .withCursors(event -> UserEvents.cursor(cursors, event.position()));
    }

    @DgsQuery
    Connection<UserEvent> userEvents(@InputArgument @Nullable String after, DgsDataFetchingEnvironment env) {
        PageRequest request = PageRequest.of(env, UserEvents.ORDER, cursors);
        Connection<UserEvent> page = pages.loadFromPrimary(rows, request);
        if (after != null && !events.isKept(UserEvents.position(cursors, after), null)) {
            throw new Refused(UserEvents.expired(env));
        }
        return page;
    }

    @DgsData(parentType = "UserEventConnection")
    @Nullable
    String newestCursor() {
        Position end = events.end();
        return end.equals(Position.START) ? null : UserEvents.cursor(cursors, end);
    }

    @DgsData(parentType = "UserEvent")
    String cursor(DataFetchingEnvironment env) {
        UserEvent event = Objects.requireNonNull(env.getSource());
        return UserEvents.cursor(cursors, event.position());
    }

    @DgsData(parentType = "UserEvent")
    CompletableFuture<? extends @Nullable User> user(DataFetchingEnvironment env) {
        UserEvent event = Objects.requireNonNull(env.getSource());
        DataLoader<UUID, User> users = Objects.requireNonNull(env.getDataLoader(NodeType.USER.typeName()));
        return users.load(event.user());
    }
}
