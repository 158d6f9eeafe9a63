package dev.userdirectory.subscription;

import graphql.GraphQLContext;
import java.util.Objects;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.jspecify.annotations.Nullable;

/**
 * How far an operation's subscription has come, under its class in the GraphQL context. The data fetcher notes the cursor
 * of each event that it hands out; the transport takes them up, one with each result, since results keep the order of
 * their events. So what a client is told to resume from is what it was sent, not what was on its way.
 */
public final class Progress {
    private final @Nullable String lastEventId;
    private final Queue<String> handedOut = new ConcurrentLinkedQueue<>();

    Progress(@Nullable String lastEventId) {
        this.lastEventId = lastEventId;
    }

    public static Progress of(GraphQLContext context) {
        return Objects.requireNonNull(context.<Progress>get(Progress.class));
    }

    /** The cursor that a client which reconnects by itself has sent in {@code Last-Event-ID}. */
    public @Nullable String lastEventId() {
        return lastEventId;
    }

    /** To be called for each event, before it is published. */
    public void handOut(String cursor) {
        handedOut.add(cursor);
    }

    /** The cursor of the oldest event whose result was not taken yet. */
    @Nullable
    String take() {
        return handedOut.poll();
    }
}
