package dev.userdirectory.shortcut;

import dev.userdirectory.graphql.operation.Operation;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tag;
import io.micrometer.core.instrument.Timer;
import io.micrometer.observation.ObservationRegistry;
import io.opentelemetry.context.Context;
import io.opentelemetry.context.ContextKey;
import io.opentelemetry.context.Scope;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.slf4j.MDC;
import org.springframework.http.server.observation.ServerRequestObservationContext;
import org.springframework.http.server.observation.ServerRequestObservationConvention;
import org.springframework.web.filter.ServerHttpObservationFilter;

/**
 * Observes requests as Spring does, except for operations by POST that neither the caller nor this service has sampled.
 * Spans would record nothing about them, so they are only timed, under the same name and tags, and get a trace ID for
 * the log. The result is the same as if they were observed, but takes less time.
 */
public class ObservationShortcut extends ServerHttpObservationFilter {
    private static final ContextKey<Boolean> IN_SAMPLE = ContextKey.named("directory.sample");
    private static final String TRACE_PARENT = "traceparent";
    /** A <a href="https://www.w3.org/TR/trace-context/#traceparent-header">traceparent</a> without the sampled flag. */
    private static final Pattern NOT_SAMPLED =
            Pattern.compile("00-(?!0{32})([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f][02468ace]");

    private static final String TRACE_ID = "traceId";
    private static final String NONE = "none";
    private static final HexFormat HEX = HexFormat.of();

    private final Predicate<String> sample;
    private final PostShortcut posts;
    private final String path;
    private final List<String> otherTraceHeaders;
    private final MeterRegistry meters;
    private final ServerRequestObservationConvention convention;
    private final Map<Outcome, Timer> timers = new ConcurrentHashMap<>();

    private record Outcome(int status, String error) {}

    /**
     * @param sample decides by a random trace ID whether an operation without a trace begins one that is recorded
     * @param posts handles the operations whose responses are complete when the later filters return
     * @param path the path of all these operations
     * @param traceHeaders the headers that may name the trace of a request
     */
    ObservationShortcut(
            Predicate<String> sample,
            PostShortcut posts,
            String path,
            List<String> traceHeaders,
            MeterRegistry meters,
            ObservationRegistry observations,
            ServerRequestObservationConvention convention) {
        super(observations, convention);
        this.sample = sample;
        this.posts = posts;
        this.path = path;
        otherTraceHeaders = traceHeaders.stream()
                .filter(header -> !header.equals(TRACE_PARENT) && !header.equals("tracestate"))
                .toList();
        this.meters = meters;
        this.convention = convention;
    }

    /** Whether a trace that begins here is recorded, whatever its ID. */
    public static boolean isInSample(Context context) {
        return context.get(IN_SAMPLE) != null;
    }

    @Override
    protected void doFilterInternal(HttpServletRequest request, HttpServletResponse response, FilterChain chain)
            throws ServletException, IOException {
        if (!posts.answers(request) || hasOtherTraceHeader(request)) {
            super.doFilterInternal(request, response, chain);
            return;
        }
        String parent = request.getHeader(TRACE_PARENT);
        if (parent != null) {
            Matcher notSampled = NOT_SAMPLED.matcher(parent);
            if (notSampled.matches()) {
                time(request, response, chain, notSampled.group(1));
            } else {
                super.doFilterInternal(request, response, chain);
            }
            return;
        }
        String traceId = newTraceId();
        if (!sample.test(traceId)) {
            time(request, response, chain, traceId);
            return;
        }
        try (Scope sampled = Context.current().with(IN_SAMPLE, true).makeCurrent()) {
            super.doFilterInternal(request, response, chain);
        }
    }

    private void time(HttpServletRequest request, HttpServletResponse response, FilterChain chain, String traceId)
            throws ServletException, IOException {
        long started = System.nanoTime();
        Operation.of(request).isOnlyTimed = true;
        MDC.put(TRACE_ID, traceId);
        Throwable error = null;
        try {
            chain.doFilter(request, response);
        } catch (Throwable e) {
            error = e;
            response.setStatus(HttpServletResponse.SC_INTERNAL_SERVER_ERROR);
            throw e;
        } finally {
            MDC.remove(TRACE_ID);
            timer(request, response, error).record(System.nanoTime() - started, TimeUnit.NANOSECONDS);
        }
    }

    private boolean hasOtherTraceHeader(HttpServletRequest request) {
        for (String header : otherTraceHeaders) {
            if (request.getHeader(header) != null) {
                return true;
            }
        }
        return false;
    }

    private static String newTraceId() {
        ThreadLocalRandom random = ThreadLocalRandom.current();
        return HEX.toHexDigits(random.nextLong()) + HEX.toHexDigits(random.nextLong());
    }

    private Timer timer(HttpServletRequest request, HttpServletResponse response, @Nullable Throwable error) {
        Outcome outcome = new Outcome(
                response.getStatus(), error == null ? NONE : error.getClass().getSimpleName());
        Timer known = timers.get(outcome);
        return known != null ? known : timers.computeIfAbsent(outcome, key -> timer(key, request, response, error));
    }

    /** Creates a timer with the tags that the observation would have. */
    private Timer timer(
            Outcome outcome, HttpServletRequest request, HttpServletResponse response, @Nullable Throwable error) {
        ServerRequestObservationContext context = new ServerRequestObservationContext(request, response);
        context.setPathPattern(path);
        if (error != null) {
            context.setError(error);
        }
        return Timer.builder(Objects.requireNonNull(convention.getName()))
                .tags(convention.getLowCardinalityKeyValues(context).stream()
                        .map(value -> Tag.of(value.getKey(), value.getValue()))
                        .toList())
                .tag("error", outcome.error)
                .register(meters);
    }
}
