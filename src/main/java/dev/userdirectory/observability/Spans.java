package dev.userdirectory.observability;

import io.micrometer.tracing.Span;
import io.micrometer.tracing.Tracer;
import org.jspecify.annotations.Nullable;

/** Spans within a request's span. They cost nothing unless the request is traced. */
final class Spans {
    private Spans() {}

    static boolean wanted(Tracer tracer) {
        Span current = tracer.currentSpan();
        return current != null && !current.isNoop();
    }

    /** Records only the exception's class, since its message may contain values. */
    static void end(Span span, @Nullable Throwable exception) {
        if (exception != null) {
            span.tag("error.type", exception.getClass().getName());
        }
        span.end();
    }
}
