package dev.userdirectory.event;

import com.netflix.graphql.types.errors.ErrorType;
import com.netflix.graphql.types.errors.TypedGraphQLError;
import dev.userdirectory.error.ErrorCode;
import dev.userdirectory.subscription.SubscriptionEnded;
import graphql.GraphQLError;
import graphql.schema.DataFetchingEnvironment;
import java.util.Map;

/** The error for a start of the feed after which events may be missing. */
final class EventsExpired {
    private static final String AFTER =
            "Argument `after` is the cursor of an event that is no longer kept, or that a failover or restore may have "
                    + "undone. Read the users and groups again, then follow the feed without `after`.";

    private static final String SINCE = "Not all events since the time in argument `since` are kept. Read the users "
            + "and groups again, then follow the feed without `since`.";

    private EventsExpired() {}

    /** The error of a field whose argument {@code after} has expired. */
    static GraphQLError after(DataFetchingEnvironment env) {
        return at(env, "after", AFTER);
    }

    /** The error of a field whose argument {@code since} is too far in the past. */
    static GraphQLError since(DataFetchingEnvironment env) {
        return at(env, "since", SINCE);
    }

    private static GraphQLError at(DataFetchingEnvironment env, String argument, String message) {
        return TypedGraphQLError.newBuilder()
                .path(env.getExecutionStepInfo().getPath())
                .location(env.getField().getSourceLocation())
                .errorType(ErrorType.FAILED_PRECONDITION)
                .message(message)
                .extensions(ErrorCode.EVENTS_EXPIRED.extensions(Map.of("argument", argument)))
                .build();
    }

    /** The error that ends a subscription that has already begun. */
    static SubscriptionEnded ended() {
        return new SubscriptionEnded(ErrorCode.EVENTS_EXPIRED, AFTER);
    }
}
