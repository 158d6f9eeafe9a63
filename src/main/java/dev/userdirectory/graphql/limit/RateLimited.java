package dev.userdirectory.graphql.limit;

import com.netflix.graphql.types.errors.ErrorType;
import com.netflix.graphql.types.errors.TypedGraphQLError;
import dev.userdirectory.error.ErrorCode;
import graphql.ExecutionResult;
import graphql.GraphQLError;
import io.github.bucket4j.ConsumptionProbe;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The error for an operation that costs more than its caller's budget has left. No part of the operation is executed.
 */
public final class RateLimited {
    private static final String RETRY_AFTER = "retryAfter";

    private RateLimited() {}

    static GraphQLError error(ConsumptionProbe refused, long cost) {
        long seconds = TimeUnit.NANOSECONDS.toSeconds(refused.getNanosToWaitForRefill()) + 1;
        return TypedGraphQLError.newBuilder()
                .errorType(ErrorType.UNAVAILABLE)
                .message(
                        "The operation costs %d, and %d is left of your budget; try again in %d s",
                        cost, refused.getRemainingTokens(), seconds)
                .extensions(ErrorCode.RATE_LIMITED.extensions(
                        Map.of("requested", cost, "remaining", refused.getRemainingTokens(), RETRY_AFTER, seconds)))
                .build();
    }

    /**
     * The number of seconds after which to retry; null if the operation was executed, or was rejected for another
     * reason.
     */
    public static @Nullable Long retryAfter(ExecutionResult result) {
        return result.isDataPresent() || result.getErrors().isEmpty()
                ? null
                : retryAfter(result.getErrors().getFirst());
    }

    /** The number of seconds after which to retry; null for any other error. */
    public static @Nullable Long retryAfter(GraphQLError error) {
        Map<String, Object> extensions = error.getExtensions();
        return extensions != null
                        && ErrorCode.of(extensions) == ErrorCode.RATE_LIMITED
                        && extensions.get(RETRY_AFTER) instanceof Number seconds
                ? Long.valueOf(seconds.longValue())
                : null;
    }
}
