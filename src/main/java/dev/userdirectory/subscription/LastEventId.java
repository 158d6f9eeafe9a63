package dev.userdirectory.subscription;

import graphql.GraphQLContext;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.springframework.graphql.server.WebGraphQlRequest;

/** The cursor that a client of an event stream sends in {@code Last-Event-ID} when it reconnects by itself. */
public final class LastEventId {
    private LastEventId() {}

    static void putInto(WebGraphQlRequest request) {
        String cursor = request.getHeaders().getFirst("Last-Event-ID");
        if (cursor != null && !cursor.isEmpty()) {
            request.configureExecutionInput((input, builder) ->
                    builder.graphQLContext(Map.of(LastEventId.class, cursor)).build());
        }
    }

    public static @Nullable String of(GraphQLContext context) {
        return context.get(LastEventId.class);
    }
}
