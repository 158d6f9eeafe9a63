package dev.userdirectory.subscription;

import dev.userdirectory.error.ErrorCode;
import dev.userdirectory.graphql.operation.WrittenResult;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Publisher;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.graphql.server.WebGraphQlResponse;
import reactor.core.publisher.Flux;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;

/**
 * One response of an operation. A subscription has many.
 *
 * @param cursor the cursor of the event in the response, or null if it contains no event
 */
record Result(Map<String, ?> response, @Nullable String cursor) {
    private static final Logger log = LoggerFactory.getLogger(Result.class);
    /**
     * A client that reads slowly blocks the thread that writes to it, so each client has its own thread, which is never
     * interrupted.
     */
    static final Scheduler WRITERS = Schedulers.fromExecutor(Thread::startVirtualThread);

    /** All results of an operation. If a subscription fails, its last result has errors and no data. */
    static Flux<Result> of(WebGraphQlResponse response) {
        return WrittenResult.isStream(response)
                ? Flux.from(Objects.requireNonNull(response.<Publisher<Result>>getData()))
                : Flux.just(new Result(response.toMap(), null));
    }

    /** The last result of a subscription whose event could not be executed. */
    static Result failed(Map<String, ?> response, @Nullable String lastCursor) {
        return errors(new Result(response, null)
                .errors().stream()
                        .<Map<String, ?>>map(error -> withCursor(error, lastCursor))
                        .toList());
    }

    static Result refused(LimitReached limit) {
        return errors(List.of(limit.error().asGraphQlError()));
    }

    static Result error(ErrorCode code, String message, @Nullable String lastCursor) {
        return errors(List.of(withCursor(Map.of("message", message, "extensions", code.extensions()), lastCursor)));
    }

    private static Result errors(List<Map<String, ?>> errors) {
        return new Result(Map.of("errors", errors), null);
    }

    private static Map<String, ?> withCursor(Map<String, ?> error, @Nullable String lastCursor) {
        if (lastCursor == null) {
            return error;
        }
        Map<Object, Object> extensions = new HashMap<>();
        if (error.get("extensions") instanceof Map<?, ?> known) {
            extensions.putAll(known);
        }
        extensions.put("lastCursor", lastCursor);
        Map<String, Object> extended = new HashMap<>(error);
        extended.put("extensions", extensions);
        return extended;
    }

    static Result ended(Throwable exception, @Nullable String lastCursor) {
        for (Throwable cause = exception; cause != null; cause = cause.getCause()) {
            if (cause instanceof SubscriptionEnded ended) {
                return error(ended.code(), String.valueOf(ended.getMessage()), lastCursor);
            }
        }
        String id = UUID.randomUUID().toString();
        log.error("Error {} in a subscription", id, exception);
        return error(
                ErrorCode.INTERNAL_SERVER_ERROR,
                "The service failed to continue this subscription; its log has the cause under the ID " + id + ".",
                lastCursor);
    }

    /** Whether there is no {@code data} entry: the operation was not executed, or the subscription failed. */
    boolean isError() {
        return !response.containsKey("data");
    }

    List<Map<String, ?>> errors() {
        @SuppressWarnings("unchecked") // The GraphQL specification makes it a list of maps.
        List<Map<String, ?>> errors = (List<Map<String, ?>>) response.get("errors");
        return errors == null ? List.of() : errors;
    }

    /** The error's message, if the operation was rejected because the token lacks a scope. */
    @Nullable
    String forbidden() {
        return isError()
                ? errors().stream()
                        .filter(error -> error.get("extensions") instanceof Map<?, ?> extensions
                                && ErrorCode.of(extensions) == ErrorCode.FORBIDDEN)
                        .map(error -> String.valueOf(error.get("message")))
                        .findFirst()
                        .orElse(null)
                : null;
    }
}
