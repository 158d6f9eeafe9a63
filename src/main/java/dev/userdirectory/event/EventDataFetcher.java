package dev.userdirectory.event;

import com.netflix.graphql.dgs.DgsComponent;
import com.netflix.graphql.dgs.DgsData;
import com.netflix.graphql.dgs.DgsQuery;
import com.netflix.graphql.dgs.InputArgument;
import dev.userdirectory.generated.types.DirectoryEventType;
import dev.userdirectory.graphql.scope.Refused;
import dev.userdirectory.group.Group;
import dev.userdirectory.page.PageRequest;
import dev.userdirectory.page.Pages;
import dev.userdirectory.relay.Connection;
import dev.userdirectory.relay.Cursors;
import dev.userdirectory.user.User;
import graphql.schema.DataFetchingEnvironment;
import java.time.OffsetDateTime;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The pages of the feed. Each page is read with a separate statement, even for {@code history}: an additional data
 * loader would change the order in which DGS dispatches the loaders, and fields of one level would need two statements.
 */
@DgsComponent
class EventDataFetcher {
    private final Pages pages;
    private final Cursors cursors;
    private final DirectoryEvents events;
    private final EventArguments arguments;

    private record Since(OffsetDateTime time) {}

    EventDataFetcher(Pages pages, Cursors cursors, DirectoryEvents events, EventArguments arguments) {
        this.pages = pages;
        this.cursors = cursors;
        this.events = events;
        this.arguments = arguments;
    }

    @DgsQuery
    Connection<DirectoryEvent> userEvents(@InputArgument @Nullable String after, DataFetchingEnvironment env) {
        return page(EventFilter.ofUsers(null), after, null, env);
    }

    @DgsQuery
    Connection<DirectoryEvent> directoryEvents(
            @InputArgument @Nullable String after,
            @InputArgument @Nullable OffsetDateTime since,
            @InputArgument @Nullable List<DirectoryEventType> types,
            @InputArgument @Nullable String userId,
            @InputArgument @Nullable String groupId,
            DataFetchingEnvironment env) {
        EventArguments.checkStart(after, since);
        return page(arguments.filter(types, userId, groupId), after, since, env);
    }

    @DgsData(parentType = "User", field = "history")
    Connection<DirectoryEvent> ofUser(@InputArgument @Nullable String after, DataFetchingEnvironment env) {
        User user = Objects.requireNonNull(env.getSource());
        return page(new EventFilter(EventFilter.ALL.types(), user.uuid(), null), after, null, env);
    }

    @DgsData(parentType = "Group", field = "history")
    Connection<DirectoryEvent> ofGroup(@InputArgument @Nullable String after, DataFetchingEnvironment env) {
        Group group = Objects.requireNonNull(env.getSource());
        return page(new EventFilter(EventFilter.ALL.types(), null, group.uuid()), after, null, env);
    }

    private Connection<DirectoryEvent> page(
            EventFilter filter, @Nullable String after, @Nullable OffsetDateTime since, DataFetchingEnvironment env) {
        PageRequest request = PageRequest.of(env, DirectoryEvents.ORDER, cursors);
        Position start = after == null ? null : Position.of(after, cursors);
        if (since != null) {
            // Looked up once for all fields that start at this time.
            Optional<Position> known =
                    env.getGraphQlContext().computeIfAbsent(new Since(since), time -> events.since(since));
            start = known.orElseThrow(() -> new Refused(EventsExpired.since(env)));
            request = request.after(start.keys());
        }
        Connection<DirectoryEvent> page =
                pages.loadFromPrimary(events.rows(filter, start == null ? Position.START : start, cursors), request);
        if (start != null && !start.equals(Position.START) && !events.isKept(start, filter)) {
            throw new Refused(since == null ? EventsExpired.after(env) : EventsExpired.since(env));
        }
        return page;
    }
}
