package dev.userdirectory.event;

import com.netflix.graphql.dgs.DgsComponent;
import com.netflix.graphql.dgs.DgsSubscription;
import com.netflix.graphql.dgs.InputArgument;
import com.netflix.graphql.dgs.context.DgsContext;
import com.netflix.graphql.dgs.internal.DgsRequestData;
import dev.userdirectory.generated.types.DirectoryEventType;
import dev.userdirectory.graphql.operation.SourceEvent;
import dev.userdirectory.relay.Cursors;
import graphql.GraphQLError;
import graphql.execution.DataFetcherResult;
import graphql.schema.DataFetchingEnvironment;
import java.time.OffsetDateTime;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Publisher;
import reactor.core.publisher.Flux;

@DgsComponent
class EventSubscriptions {
    private final EventFeed feed;
    private final DirectoryEvents events;
    private final EventArguments arguments;
    private final Cursors cursors;

    EventSubscriptions(EventFeed feed, DirectoryEvents events, EventArguments arguments, Cursors cursors) {
        this.feed = feed;
        this.events = events;
        this.arguments = arguments;
        this.cursors = cursors;
    }

    @DgsSubscription
    DataFetcherResult<Publisher<SourceEvent>> userEvents(
            @InputArgument @Nullable String after,
            @InputArgument @Nullable String userId,
            DataFetchingEnvironment env) {
        return follow(arguments.ofUsers(userId), after, null, env);
    }

    @DgsSubscription
    DataFetcherResult<Publisher<SourceEvent>> directoryEvents(
            @InputArgument @Nullable String after,
            @InputArgument @Nullable OffsetDateTime since,
            @InputArgument @Nullable List<DirectoryEventType> types,
            @InputArgument @Nullable String userId,
            @InputArgument @Nullable String groupId,
            DataFetchingEnvironment env) {
        EventArguments.checkStart(after, since);
        return follow(arguments.filter(types, userId, groupId), after, since, env);
    }

    private DataFetcherResult<Publisher<SourceEvent>> follow(
            EventFilter filter, @Nullable String after, @Nullable OffsetDateTime since, DataFetchingEnvironment env) {
        // An EventSource that reconnects repeats the first request, and adds the ID of the last event that it received.
        String lastEventId = lastEventId(env);
        String resumeAfter = lastEventId == null || lastEventId.isEmpty() ? after : lastEventId;
        RecentEvents before = feed.recent();
        if (resumeAfter != null) {
            Position position = Position.of(resumeAfter, cursors);
            return events.isKept(position, filter)
                    ? published(feed.follow(position, filter, before))
                    : failed(EventsExpired.after(env));
        }
        if (since != null) {
            // The time may be in the future: events before it are skipped.
            return events.since(since)
                    .map(position -> published(feed.follow(position, filter, before)
                            .skipUntil(event -> !event.occurredAt().isBefore(since))))
                    .orElseGet(() -> failed(EventsExpired.since(env)));
        }
        return published(feed.follow(events.end(), filter, before));
    }

    private static @Nullable String lastEventId(DataFetchingEnvironment env) {
        DgsRequestData request = DgsContext.getRequestData(env);
        return request == null || request.getHeaders() == null
                ? null
                : request.getHeaders().getFirst("Last-Event-ID");
    }

    private DataFetcherResult<Publisher<SourceEvent>> published(Flux<DirectoryEvent> followed) {
        Publisher<SourceEvent> published =
                followed.map(event -> new SourceEvent(event.position().cursor(cursors), event));
        return DataFetcherResult.<Publisher<SourceEvent>>newResult()
                .data(published)
                .build();
    }

    private static DataFetcherResult<Publisher<SourceEvent>> failed(GraphQLError error) {
        return DataFetcherResult.<Publisher<SourceEvent>>newResult()
                .error(error)
                .build();
    }
}
