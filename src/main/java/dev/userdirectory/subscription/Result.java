package dev.userdirectory.subscription;

import graphql.ExecutionResult;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Publisher;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.graphql.server.WebGraphQlResponse;
import reactor.core.publisher.Flux;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;

/**
 * One response of an operation, of which a subscription has many.
 *
 * @param cursor of the event that it is about, or null if it is about none
 */
record Result(Map<String, ?> response, @Nullable String cursor) {
    private static final Logger log = LoggerFactory.getLogger(Result.class);
    /** A client that reads slowly blocks the thread that writes to it, so each has its own. These are not interrupted. */
    static final Scheduler WRITERS = Schedulers.fromExecutor(Thread::startVirtualThread);
    /** As many results may wait until one client has taken what was sent before. */
    private static final int MAX_WAITING = 16;

    /** Each on a thread that may block; what goes wrong is the last result, which has errors and no data. */
    static Flux<Result> of(WebGraphQlResponse response) {
        if (!(response.getData() instanceof Publisher<?> publisher)) {
            return Flux.just(new Result(response.toMap(), null));
        }
        Progress progress = Progress.of(response.getExecutionInput().getGraphQLContext());
        AtomicReference<@Nullable String> lastCursor = new AtomicReference<>();
        return Flux.from(publisher)
                .cast(ExecutionResult.class)
                .map(result -> {
                    lastCursor.set(progress.take());
                    return new Result(result.toSpecification(), lastCursor.get());
                })
                .onErrorResume(exception -> Flux.just(ended(exception, lastCursor.get())))
                .publishOn(WRITERS, MAX_WAITING);
    }

    static Result error(String code, String message, @Nullable String lastCursor) {
        Map<String, Object> extensions = new HashMap<>(Map.of("code", code));
        if (lastCursor != null) {
            extensions.put("lastCursor", lastCursor);
        }
        return new Result(Map.of("errors", List.of(Map.of("message", message, "extensions", extensions))), null);
    }

    private static Result ended(Throwable exception, @Nullable String lastCursor) {
        for (Throwable cause = exception; cause != null; cause = cause.getCause()) {
            if (cause instanceof SubscriptionEnded ended) {
                return error(ended.code(), String.valueOf(ended.getMessage()), lastCursor);
            }
        }
        String id = UUID.randomUUID().toString();
        log.error("Error {} in a subscription", id, exception);
        return error(
                "INTERNAL_SERVER_ERROR",
                "The service failed to go on with this; its log has the reason under " + id + ".",
                lastCursor);
    }

    /** Whether all there is are errors. */
    boolean isError() {
        return response.get("data") == null;
    }

    List<Map<String, ?>> errors() {
        @SuppressWarnings("unchecked") // as the specification of GraphQL has it
        List<Map<String, ?>> errors = (List<Map<String, ?>>) response.get("errors");
        return errors == null ? List.of() : errors;
    }

    /** The message of the error, if a missing scope is why there is nothing else. */
    @Nullable
    String forbidden() {
        return isError()
                ? errors().stream()
                        .filter(error -> error.get("extensions") instanceof Map<?, ?> extensions
                                && "FORBIDDEN".equals(extensions.get("code")))
                        .map(error -> String.valueOf(error.get("message")))
                        .findFirst()
                        .orElse(null)
                : null;
    }
}
