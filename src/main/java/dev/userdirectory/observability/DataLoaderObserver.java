package dev.userdirectory.observability;

import io.micrometer.core.instrument.DistributionSummary;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.tracing.Span;
import io.micrometer.tracing.Tracer;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.dataloader.BatchLoaderEnvironment;
import org.dataloader.DataLoader;
import org.dataloader.instrumentation.DataLoaderInstrumentation;
import org.dataloader.instrumentation.DataLoaderInstrumentationContext;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;

/** Measures how many keys each batch of a data loader has, and traces the batches of traced requests. */
@Component
class DataLoaderObserver implements DataLoaderInstrumentation {
    private final MeterRegistry meters;
    private final Tracer tracer;
    private final Map<String, DistributionSummary> batches = new ConcurrentHashMap<>();

    DataLoaderObserver(MeterRegistry meters, Tracer tracer) {
        this.meters = meters;
        this.tracer = tracer;
    }

    @Override
    public @Nullable DataLoaderInstrumentationContext<List<?>> beginBatchLoader(
            DataLoader<?, ?> loader, List<?> keys, BatchLoaderEnvironment environment) {
        String name = String.valueOf(loader.getName());
        batches.computeIfAbsent(name, this::register).record(keys.size());
        if (!Spans.wanted(tracer)) {
            return null;
        }
        Span span = tracer.nextSpan()
                .name("load " + name)
                .tag("directory.dataloader.keys", keys.size())
                .start();
        Tracer.SpanInScope scope = tracer.withSpan(span);
        return new DataLoaderInstrumentationContext<>() {
            @Override
            public void onDispatched() {
                scope.close();
            }

            @Override
            public void onCompleted(@Nullable List<?> values, @Nullable Throwable exception) {
                Spans.end(span, exception);
            }
        };
    }

    private DistributionSummary register(String loader) {
        return DistributionSummary.builder("directory.dataloader.batch")
                .description("Keys that a data loader took at once")
                .tag("loader", loader)
                .serviceLevelObjectives(1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
                .register(meters);
    }
}
