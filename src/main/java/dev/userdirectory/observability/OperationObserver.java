package dev.userdirectory.observability;

import dev.userdirectory.error.LogInterval;
import dev.userdirectory.graphql.document.KnownOperation;
import dev.userdirectory.graphql.document.Sha256;
import dev.userdirectory.graphql.operation.Operation;
import dev.userdirectory.graphql.scope.DeniedAccess;
import graphql.ExecutionInput;
import graphql.GraphQLError;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tag;
import io.micrometer.core.instrument.Timer;
import io.micrometer.observation.Observation;
import io.micrometer.observation.ObservationRegistry;
import io.micrometer.observation.contextpropagation.ObservationThreadLocalAccessor;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.graphql.server.WebGraphQlInterceptor;
import org.springframework.graphql.server.WebGraphQlRequest;
import org.springframework.graphql.server.WebGraphQlResponse;
import org.springframework.stereotype.Component;
import reactor.core.publisher.Mono;
import reactor.util.context.ContextView;

/**
 * Observes each operation until its response, or until its subscription begins, under the names of Spring for GraphQL
 * and OpenTelemetry. Unlike Spring's own observation, that includes operations that are never executed, because they
 * are rejected, stopped or answered from the cache.
 */
@Component
public class OperationObserver implements WebGraphQlInterceptor {
    private static final String NAME = "graphql.request";
    private static final Logger log = LoggerFactory.getLogger(OperationObserver.class);

    private final ObservationRegistry observations;
    private final MeterRegistry meters;
    private final ObservabilityProperties properties;
    private final DeniedAccess denied;
    private final OperationNames names;
    private final Map<OperationOutcome, Timer> timers = new ConcurrentHashMap<>();
    private final Map<String, LogInterval> slowLines = new ConcurrentHashMap<>();

    OperationObserver(
            ObservationRegistry observations,
            MeterRegistry meters,
            ObservabilityProperties properties,
            DeniedAccess denied) {
        this.denied = denied;
        this.observations = observations;
        this.meters = meters;
        this.properties = properties;
        names = new OperationNames(properties.operationNames(), this::forget);
    }

    @Override
    public Mono<WebGraphQlResponse> intercept(WebGraphQlRequest request, Chain chain) {
        Operation operation = Operation.of(request);
        return Mono.deferContextual(context -> {
            Running running = start(context, operation);
            Mono<WebGraphQlResponse> answer = chain.next(request)
                    .doOnNext(response -> {
                        KnownOperation known = operation.known;
                        List<GraphQLError> errors =
                                response.getExecutionResult().getErrors();
                        running.end(OperationOutcome.of(
                                tag(known, !operation.caller.anonymous()),
                                known == null ? OperationOutcome.ANY_TYPE : known.type(),
                                errors));
                        if (!errors.isEmpty()) {
                            denied.count(errors);
                        }
                        logIfSlow(running, response.getExecutionInput(), known);
                    })
                    .doOnError(exception -> running.end(OperationOutcome.FAILED))
                    .doOnCancel(() -> running.end(OperationOutcome.CANCELLED));
            Observation observation = running.observation;
            return observation == null
                    ? answer
                    : answer.contextWrite(written -> written.put(ObservationThreadLocalAccessor.KEY, observation));
        });
    }

    /** If the request is only timed, so is its operation: an observation would record the same, but take longer. */
    private Running start(ContextView context, Operation operation) {
        if (operation.isOnlyTimed) {
            return new Running(null);
        }
        return new Running(Observation.createNotStarted(NAME, observations)
                .parentObservation(
                        context.getOrDefault(ObservationThreadLocalAccessor.KEY, observations.getCurrentObservation()))
                .start());
    }

    private final class Running {
        private final long started = System.nanoTime();
        private final @Nullable Observation observation;
        private final AtomicBoolean ended = new AtomicBoolean();

        Running(@Nullable Observation observation) {
            this.observation = observation;
        }

        long nanos() {
            return System.nanoTime() - started;
        }

        /** Only the first call counts: a subscription that ends is cancelled long after its response. */
        void end(OperationOutcome outcome) {
            if (!ended.compareAndSet(false, true)) {
                return;
            }
            if (observation == null) {
                timers.computeIfAbsent(outcome, OperationObserver.this::timer).record(nanos(), TimeUnit.NANOSECONDS);
            } else {
                observation
                        .contextualName(outcome.spanName())
                        .lowCardinalityKeyValues(outcome.tags())
                        .stop();
            }
        }
    }

    /** The timer that an observation would register. */
    private Timer timer(OperationOutcome outcome) {
        return Timer.builder(NAME)
                .tags(outcome.tags().stream()
                        .map(value -> Tag.of(value.getKey(), value.getValue()))
                        .toList())
                .tag("error", "none")
                .register(meters);
    }

    private String tag(@Nullable KnownOperation operation, boolean mayAdd) {
        if (operation == null) {
            return OperationOutcome.UNKNOWN;
        }
        String name = operation.name();
        return name == null ? OperationOutcome.ANONYMOUS : names.tag(name, mayAdd);
    }

    private void forget(String name) {
        timers.keySet().removeIf(outcome -> outcome.name().equals(name));
        slowLines.remove(name);
        meters.find(NAME).tag(OperationOutcome.NAME, name).meters().forEach(meters::remove);
    }

    /**
     * Logs the hash of persisted queries, but not the document or its variables, since these contain values. Each name
     * that metrics distinguish gets at most one line per interval, so that a flood of slow operations cannot fill the
     * log.
     */
    private void logIfSlow(Running running, ExecutionInput input, @Nullable KnownOperation operation) {
        Duration duration = Duration.ofNanos(running.nanos());
        if (duration.compareTo(properties.slowOperation()) < 0) {
            return;
        }
        String name = tag(operation, false);
        long count = slowLines.computeIfAbsent(name, key -> new LogInterval()).count();
        if (count == 0) {
            return;
        }
        String hash = Sha256.hex(input.getQuery());
        try (Observation.Scope traced =
                running.observation == null ? Observation.Scope.NOOP : running.observation.openScope()) {
            log.atWarn()
                    .addKeyValue(OperationOutcome.NAME, name)
                    .addKeyValue("graphql.document.hash", hash)
                    .addKeyValue("event.duration", duration.toNanos())
                    .addKeyValue("event.count", count)
                    .log(
                            "Slow operation {}: {} ms, document {}, {} since the last such line",
                            name,
                            duration.toMillis(),
                            hash,
                            count);
        }
    }
}
