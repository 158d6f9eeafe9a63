package dev.userdirectory.observability;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import dev.userdirectory.observability.OperationInstrumentation.Operation;
import dev.userdirectory.policy.MemoryProperties;
import dev.userdirectory.policy.Sha256;
import dev.userdirectory.policy.Weight;
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
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.core.annotation.Order;
import org.springframework.graphql.server.WebGraphQlInterceptor;
import org.springframework.graphql.server.WebGraphQlRequest;
import org.springframework.graphql.server.WebGraphQlResponse;
import org.springframework.stereotype.Component;
import reactor.core.publisher.Mono;
import reactor.util.context.ContextView;

/**
 * Observes each operation until its answer, or until its subscription begins: those that are refused, stopped or answered
 * from the cache as well, which never come to be executed.
 */
@Component
@Order(-200) // Around the deadline, and what is answered for it.
class OperationObserver implements WebGraphQlInterceptor {
    static final String NAME = "directory.operation";
    private static final Logger log = LoggerFactory.getLogger(OperationObserver.class);
    private static final Operation UNKNOWN = new Operation(null, "unknown");

    private final ObservationRegistry observations;
    private final Tracer tracer;
    private final MeterRegistry meters;
    private final ObservabilityProperties properties;
    private final Set<String> names = ConcurrentHashMap.newKeySet();
    /** What was executed under a document, for the next time, when it may be answered from the cache. */
    private final Cache<List<String>, Operation> executed;

    private final Map<KeyValues, Timer> timers = new ConcurrentHashMap<>();

    OperationObserver(
            ObservationRegistry observations,
            Tracer tracer,
            MeterRegistry meters,
            ObservabilityProperties properties,
            MemoryProperties memory) {
        executed = Caffeine.newBuilder()
                .maximumWeight(memory.bytesPerOperationCache())
                .<List<String>, Operation>weigher((document, operation) -> Weight.sum(Weight.ENTRY
                        + 3L * Weight.OBJECT
                        + Weight.of(operation.name())
                        + Weight.ofJson(document)))
                .build();
        this.observations = observations;
        this.tracer = tracer;
        this.meters = meters;
        this.properties = properties;
    }

    @Override
    public Mono<WebGraphQlResponse> intercept(WebGraphQlRequest request, Chain chain) {
        Operation.Holder holder = new Operation.Holder();
        request.configureExecutionInput((input, builder) ->
                builder.graphQLContext(Map.of(Operation.Holder.class, holder)).build());
        return Mono.deferContextual(context -> {
            Running running = start(context);
            Mono<WebGraphQlResponse> answer = chain.next(request)
                    .doOnNext(response -> {
                        ExecutionInput input = response.getExecutionInput();
                        Operation operation = operation(input, holder.get());
                        running.end(operation, code(response));
                        logIfSlow(running, input, operation);
                    })
                    .doOnError(exception -> running.end(UNKNOWN, "INTERNAL_SERVER_ERROR"))
                    .doOnCancel(() -> running.end(UNKNOWN, "CANCELLED"));
            Observation observation = running.observation;
            return observation == null
                    ? answer
                    : answer.contextWrite(written -> written.put(ObservationThreadLocalAccessor.KEY, observation));
        });
    }

    /** In a request that is not traced an observation would be no more than a timer, and takes much longer. */
    private Running start(ContextView context) {
        Span ofRequest = tracer.currentSpan();
        if (ofRequest == null ? RequestObserver.isOnlyTimed() : ofRequest.isNoop()) {
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

        void end(Operation operation, String code) {
            KeyValues tags = KeyValues.of("operation", tag(operation), "type", operation.type(), "code", code);
            if (observation == null) {
                timers.computeIfAbsent(tags, OperationObserver.this::timer).record(nanos(), TimeUnit.NANOSECONDS);
            } else {
                observation.lowCardinalityKeyValues(tags).stop();
            }
        }
    }

    /** As the observation's own is. */
    private Timer timer(KeyValues values) {
        return Timer.builder(NAME)
                .tags(values.stream()
                        .map(value -> Tag.of(value.getKey(), value.getValue()))
                        .toList())
                .tag("error", "none")
                .register(meters);
    }

    private Operation operation(ExecutionInput input, @Nullable Operation running) {
        List<String> document = List.of(input.getQuery(), String.valueOf(input.getOperationName()));
        Operation before = executed.getIfPresent(document);
        if (running != null && before == null) {
            executed.put(document, running);
        }
        return running != null ? running : before != null ? before : UNKNOWN;
    }

    /** Of a bounded set: clients choose the names, and each is a time series for ever. */
    private String tag(Operation operation) {
        String name = operation.name();
        if (name == null) {
            return operation.equals(UNKNOWN) ? "unknown" : "anonymous";
        }
        if (names.size() < properties.operationNames()) {
            names.add(name);
        }
        return names.contains(name) ? name : "other";
    }

    /** Of the first error. */
    private static String code(WebGraphQlResponse response) {
        List<GraphQLError> errors = response.getExecutionResult().getErrors();
        if (errors.isEmpty()) {
            return "OK";
        }
        Map<String, Object> extensions = errors.getFirst().getExtensions();
        return extensions == null ? "unknown" : String.valueOf(extensions.getOrDefault("code", "unknown"));
    }

    /** With the hash that persisted queries have: neither the document nor its variables, which have values in them. */
    private void logIfSlow(Running running, ExecutionInput input, Operation operation) {
        Duration duration = Duration.ofNanos(running.nanos());
        if (duration.compareTo(properties.slowOperation()) < 0) {
            return;
        }
        String name = Objects.requireNonNullElse(operation.name(), "anonymous");
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
