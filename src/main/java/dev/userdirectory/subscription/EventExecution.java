package dev.userdirectory.subscription;

import dev.userdirectory.error.ErrorCode;
import dev.userdirectory.graphql.limit.RequestMemory.Reservation;
import dev.userdirectory.graphql.operation.Operation;
import dev.userdirectory.graphql.operation.SourceEvent;
import dev.userdirectory.graphql.operation.WrittenResult;
import graphql.ExecutionInput;
import graphql.GraphQLError;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Executor;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Publisher;
import org.springframework.graphql.server.WebGraphQlInterceptor;
import org.springframework.graphql.server.WebGraphQlRequest;
import org.springframework.graphql.server.WebGraphQlResponse;
import org.springframework.stereotype.Component;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;
import reactor.util.context.ContextView;

/**
 * Maps each event of a subscription's source stream to a result. An event passes through the interceptors as a separate
 * operation with the subscription's document and variables, so it has its own data loaders, limits and deadline. The
 * events of one subscription are executed one at a time, and cancelling the subscription cancels the running one.
 */
@Component
public class EventExecution implements WebGraphQlInterceptor {
    /** The pool does not validate connections used in the last half second, so an earlier retry may get a dead one. */
    private static final Duration BEFORE_RETRY = Duration.ofMillis(600);

    private final int attempts;
    private final Admission admission;
    private final Meter.MeterProvider<Timer> executions;

    EventExecution(Admission admission, MeterRegistry meters) {
        attempts = admission.properties().attempts();
        this.admission = admission;
        executions = Timer.builder("directory.subscription.events")
                .description("Executions of subscriptions' events, by the code of the first error")
                .withRegistry(meters);
    }

    @Override
    public Mono<WebGraphQlResponse> intercept(WebGraphQlRequest request, Chain chain) {
        return Mono.deferContextual(context -> chain.next(request).map(response -> {
            if (!WrittenResult.isStream(response)) {
                return response;
            }
            Publisher<?> source = Objects.requireNonNull(response.getData());
            Subscription subscription = new Subscription(request, response.getExecutionInput(), chain, context);
            return response.transform(transformed -> transformed.data(subscription.results(source)));
        }));
    }

    private final class Subscription {
        private final WebGraphQlRequest request;
        /** The body of each event's request. Nothing else is kept of the first execution: its parsed document is large. */
        private final Map<String, Object> body = new HashMap<>();

        private final Chain chain;
        private final ContextView context;
        private final Operation operation;
        private final Executor executor;
        private final Semaphore connections;
        private volatile @Nullable String lastCursor;

        Subscription(WebGraphQlRequest request, ExecutionInput input, Chain chain, ContextView context) {
            this.request = request;
            // The client may have sent only the document's hash, and the document may be evicted.
            body.put("query", input.getQuery());
            body.put("operationName", input.getOperationName());
            body.put("variables", input.getRawVariables().toMap());
            this.chain = chain;
            this.context = context;
            operation = Operation.of(request);
            executor = operation.executor == null ? Thread::startVirtualThread : operation.executor;
            connections = admission.shareOf(operation.caller);
        }

        Flux<Result> results(Publisher<?> source) {
            return Flux.from(source)
                    .doOnSubscribe(begun -> operation.forgetDocument())
                    .cast(SourceEvent.class)
                    .concatMap(event -> execute(event, 1), 1)
                    .doOnNext(result -> lastCursor = result.cursor() == null ? lastCursor : result.cursor())
                    // If the stream continued after an error, the client would miss the event that failed.
                    .takeUntil(Result::isError)
                    .onErrorResume(exception -> Mono.just(Result.ended(exception, lastCursor)));
        }

        /**
         * The task that executes an event also sends its result. Sending may block for a long time, during which the
         * task holds the result's memory.
         */
        private Mono<Result> execute(SourceEvent event, int attempt) {
            Reservation ofEvent = admission.memoryOfEvent(operation.caller);
            return Mono.defer(() -> {
                        long started = System.nanoTime();
                        Operation ofThis = operation.forEvent(event, connections, ofEvent);
                        return chain.next(request(ofThis))
                                .doOnNext(response -> record(started, code(response)))
                                // Until the next event, this one is still referenced.
                                .doFinally(end -> ofThis.forgetDocument());
                    })
                    .subscribeOn(Schedulers.fromExecutor(task -> executor.execute(ofEvent.during(task))))
                    .contextWrite(context)
                    .flatMap(response -> {
                        boolean isRetried = has(response, ErrorCode.DEADLINE_EXCEEDED)
                                || has(response, ErrorCode.INTERNAL_SERVER_ERROR);
                        if (!isRetried && response.getExecutionResult().getData() != null) {
                            return Mono.just(new Result(response.toMap(), event.cursor()));
                        }
                        return isRetried && attempt < attempts
                                ? Mono.delay(BEFORE_RETRY).then(execute(event, attempt + 1))
                                : Mono.just(Result.failed(response.toMap(), lastCursor));
                    });
        }

        /** A response may have data as well, without the fields that failed. */
        private static boolean has(WebGraphQlResponse response, ErrorCode code) {
            return response.getExecutionResult().getErrors().stream()
                    .anyMatch(error -> ErrorCode.of(error.getExtensions()) == code);
        }

        private static String code(WebGraphQlResponse response) {
            List<GraphQLError> errors = response.getExecutionResult().getErrors();
            Map<String, Object> extensions =
                    errors.isEmpty() ? Map.of("code", "OK") : errors.getFirst().getExtensions();
            return extensions == null ? "unknown" : String.valueOf(extensions.getOrDefault("code", "unknown"));
        }

        private void record(long started, String code) {
            executions.withTag("code", code).record(System.nanoTime() - started, TimeUnit.NANOSECONDS);
        }

        private WebGraphQlRequest request(Operation ofEvent) {
            return new WebGraphQlRequest(
                    request.getUri().toUri(),
                    request.getHeaders(),
                    null,
                    request.getRemoteAddress(),
                    Map.of(Operation.ATTRIBUTE, ofEvent),
                    body,
                    request.getId(),
                    request.getLocale());
        }
    }
}
