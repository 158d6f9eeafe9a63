package dev.userdirectory.observability;

import dev.userdirectory.graphql.document.KnownOperation;
import dev.userdirectory.graphql.document.Sha256;
import dev.userdirectory.graphql.operation.Operation;
import dev.userdirectory.graphql.scope.DeniedAccess;
import graphql.ExecutionInput;
import graphql.GraphQLError;
import io.micrometer.common.KeyValues;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tag;
import io.micrometer.core.instrument.Timer;
import io.micrometer.observation.Observation;
import io.micrometer.observation.ObservationRegistry;
import io.micrometer.observation.contextpropagation.ObservationThreadLocalAccessor;
import io.micrometer.tracing.Span;
import io.micrometer.tracing.Tracer;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
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
 * Observes each operation until its response, or until its subscription begins. That includes operations that are never
 * executed, because they are rejected, stopped or answered from the cache.
 */
@Component
public class OperationObserver implements WebGraphQlInterceptor {
    static final String NAME = "directory.operation";
    private static final String OPERATION = "operation";
    private static final Logger log = LoggerFactory.getLogger(OperationObserver.class);
    private static final String UNKNOWN = "unknown";
    private static final String ANONYMOUS = "anonymous";
    /** How long a name is unused before another one may replace it, so that former clients do not keep new ones out. */
    private static final long IDLE = Duration.ofMinutes(10).toNanos();

    private static final int MAX_NAME = 100;

    private final ObservationRegistry observations;
    private final Tracer tracer;
    private final MeterRegistry meters;
    private final ObservabilityProperties properties;
    private final DeniedAccess denied;
    /** When each name was last used, by {@link System#nanoTime()}. */
    private final Map<String, Long> names = new ConcurrentHashMap<>();

    private final Map<KeyValues, Timer> timers = new ConcurrentHashMap<>();

    OperationObserver(
            ObservationRegistry observations,
            Tracer tracer,
            MeterRegistry meters,
            ObservabilityProperties properties,
            DeniedAccess denied) {
        this.denied = denied;
        this.observations = observations;
        this.tracer = tracer;
        this.meters = meters;
        this.properties = properties;
    }

    @Override
    public Mono<WebGraphQlResponse> intercept(WebGraphQlRequest request, Chain chain) {
        Operation operation = Operation.of(request);
        return Mono.deferContextual(context -> {
            Running running = start(context, operation);
            Mono<WebGraphQlResponse> answer = chain.next(request)
                    .doOnNext(response -> {
                        KnownOperation known = operation.known;
                        running.end(
                                tag(known, !operation.caller.anonymous()),
                                known == null ? UNKNOWN : known.type(),
                                code(response));
                        List<GraphQLError> errors =
                                response.getExecutionResult().getErrors();
                        if (!errors.isEmpty()) {
                            denied.count(errors);
                        }
                        logIfSlow(running, response.getExecutionInput(), known);
                    })
                    .doOnError(exception -> running.end(UNKNOWN, UNKNOWN, "INTERNAL_SERVER_ERROR"))
                    .doOnCancel(() -> running.end(UNKNOWN, UNKNOWN, "CANCELLED"));
            Observation observation = running.observation;
            return observation == null
                    ? answer
                    : answer.contextWrite(written -> written.put(ObservationThreadLocalAccessor.KEY, observation));
        });
    }

    /** If the request is not traced, an observation would come to the same as a timer, but take much longer. */
    private Running start(ContextView context, Operation operation) {
        Span ofRequest = tracer.currentSpan();
        if (ofRequest == null ? operation.isOnlyTimed : ofRequest.isNoop()) {
            return new Running(null);
        }
        return new Running(Observation.createNotStarted(NAME, observations)
                .contextualName("graphql operation")
                .parentObservation(
                        context.getOrDefault(ObservationThreadLocalAccessor.KEY, observations.getCurrentObservation()))
                .start());
    }

    private final class Running {
        private final long started = System.nanoTime();
        private final @Nullable Observation observation;

        Running(@Nullable Observation observation) {
            this.observation = observation;
        }

        long nanos() {
            return System.nanoTime() - started;
        }

        void end(String name, String type, String code) {
            KeyValues tags = KeyValues.of(OPERATION, name, "type", type, "code", code);
            if (observation == null) {
                timers.computeIfAbsent(tags, OperationObserver.this::timer).record(nanos(), TimeUnit.NANOSECONDS);
            } else {
                observation.lowCardinalityKeyValues(tags).stop();
            }
        }
    }

    /** The same timer as an observation registers. */
    private Timer timer(KeyValues values) {
        return Timer.builder(NAME)
                .tags(values.stream()
                        .map(value -> Tag.of(value.getKey(), value.getValue()))
                        .toList())
                .tag("error", "none")
                .register(meters);
    }

    /**
     * The name as a tag of metrics. Clients choose the names and each is several time series, so their number is
     * limited. Only callers with a token may add one, if there is room or another name has not been used for some time.
     */
    private String tag(@Nullable KnownOperation operation, boolean mayAdd) {
        if (operation == null) {
            return UNKNOWN;
        }
        String name = operation.name();
        if (name == null) {
            return ANONYMOUS;
        }
        long now = System.nanoTime();
        Long used = names.get(name);
        if (used != null) {
            if (now - used > IDLE / 10) {
                names.replace(name, now);
            }
            return name;
        }
        return mayAdd && name.length() <= MAX_NAME && add(name, now) ? name : "other";
    }

    private synchronized boolean add(String name, long now) {
        if (names.size() >= properties.operationNames()) {
            String idle = longestIdle(now);
            if (idle == null) {
                return false;
            }
            forget(idle);
        }
        names.put(name, now);
        return true;
    }

    private @Nullable String longestIdle(long now) {
        String found = null;
        long longest = IDLE;
        for (Map.Entry<String, Long> name : names.entrySet()) {
            long idle = now - name.getValue();
            if (idle > longest) {
                longest = idle;
                found = name.getKey();
            }
        }
        return found;
    }

    private void forget(String name) {
        names.remove(name);
        timers.keySet()
                .removeIf(tags -> tags.stream()
                        .anyMatch(tag ->
                                tag.getKey().equals(OPERATION) && tag.getValue().equals(name)));
        meters.find(NAME).tag(OPERATION, name).meters().forEach(meters::remove);
    }

    /** The code of the first error. */
    private static String code(WebGraphQlResponse response) {
        List<GraphQLError> errors = response.getExecutionResult().getErrors();
        if (errors.isEmpty()) {
            return "OK";
        }
        Map<String, Object> extensions = errors.getFirst().getExtensions();
        return extensions == null ? UNKNOWN : String.valueOf(extensions.getOrDefault("code", UNKNOWN));
    }

    /** Logs the hash of persisted queries, but not the document or its variables, since these contain values. */
    private void logIfSlow(Running running, ExecutionInput input, @Nullable KnownOperation operation) {
        Duration duration = Duration.ofNanos(running.nanos());
        if (duration.compareTo(properties.slowOperation()) < 0) {
            return;
        }
        String name = operation == null || operation.name() == null ? ANONYMOUS : operation.name();
        String hash = Sha256.hex(input.getQuery());
        try (Observation.Scope traced =
                running.observation == null ? Observation.Scope.NOOP : running.observation.openScope()) {
            log.atWarn()
                    .addKeyValue("graphql.operation.name", name)
                    .addKeyValue("graphql.document.hash", hash)
                    .addKeyValue("event.duration", duration.toNanos())
                    .log("Slow operation {}: {} ms, document {}", name, duration.toMillis(), hash);
        }
    }
}
