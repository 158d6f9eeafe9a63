package dev.userdirectory.observability;

import io.micrometer.tracing.Span;
import io.micrometer.tracing.Tracer;
import org.jspecify.annotations.Nullable;

/** Spans within those of a request, which cost nothing unless the request is being traced. */
final class Spans {
    private Spans() {}

    static boolean wanted(Tracer tracer) {
        Span current = tracer.currentSpan();
        return current != null && !current.isNoop();
    }

    /** Only the kind of the exception: what it says may have values in it. */
    static void end(Span span, @Nullable Throwable exception) {
        if (exception != null) {
            span.tag("error.type", exception.getClass().getName());
        }
        span.end();
    }
}
