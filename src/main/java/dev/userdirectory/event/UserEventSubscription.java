package dev.userdirectory.event;

import com.netflix.graphql.dgs.DgsComponent;
import com.netflix.graphql.dgs.DgsSubscription;
import com.netflix.graphql.dgs.InputArgument;
import com.netflix.graphql.dgs.context.DgsContext;
import com.netflix.graphql.dgs.internal.DgsRequestData;
import dev.userdirectory.graphql.operation.SourceEvent;
import dev.userdirectory.relay.Cursors;
import dev.userdirectory.relay.GlobalId;
import dev.userdirectory.relay.NodeType;
import graphql.execution.DataFetcherResult;
import graphql.schema.DataFetchingEnvironment;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Publisher;

@DgsComponent
class UserEventSubscription {
    private static final UUID NOBODY = new UUID(0, 0);

    private final UserEventFeed feed;
    private final UserEvents events;
    private final Cursors cursors;

    UserEventSubscription(UserEventFeed feed, UserEvents events, Cursors cursors) {
        this.feed = feed;
        this.events = events;
        this.cursors = cursors;
    }

    @DgsSubscription
    DataFetcherResult<Publisher<SourceEvent>> userEvents(
            @InputArgument @Nullable String after,
            @InputArgument @Nullable String userId,
            DataFetchingEnvironment env) {
        UUID user = userId == null
                ? null
                : GlobalId.parse("userId", userId).of(NodeType.USER).orElse(NOBODY);
        // An EventSource that reconnects repeats the first request, and adds the ID of the last event that it received.
        String lastEventId = lastEventId(env);
        String resumeAfter = lastEventId == null || lastEventId.isEmpty() ? after : lastEventId;
        DataFetcherResult.Builder<Publisher<SourceEvent>> result = DataFetcherResult.newResult();
        if (resumeAfter == null) {
            return result.data(publish(events.end(), user)).build();
        }
        Position position = UserEvents.position(cursors, resumeAfter);
        return events.isKept(position, user)
                ? result.data(publish(position, user)).build()
                : result.error(UserEvents.expired(env)).build();
    }

    private static @Nullable String lastEventId(DataFetchingEnvironment env) {
        DgsRequestData request = DgsContext.getRequestData(env);
        return request == null || request.getHeaders() == null
                ? null
                : request.getHeaders().getFirst("Last-Event-ID");
    }

    private Publisher<SourceEvent> publish(Position after, @Nullable UUID user) {
        return feed.follow(after, user)
                .map(event -> new SourceEvent(UserEvents.cursor(cursors, event.position()), event));
    }
}
