package dev.userdirectory.observability;

import com.netflix.graphql.dgs.DgsDataLoaderOptionsProvider;
import com.netflix.graphql.dgs.internal.DefaultDataLoaderOptionsProvider;
import dev.userdirectory.shortcut.ObservationShortcut;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.context.Context;
import io.opentelemetry.sdk.trace.data.LinkData;
import io.opentelemetry.sdk.trace.export.SpanExporter;
import io.opentelemetry.sdk.trace.samplers.Sampler;
import io.opentelemetry.sdk.trace.samplers.SamplingResult;
import java.util.List;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.boot.micrometer.tracing.opentelemetry.autoconfigure.SdkTracerProviderBuilderCustomizer;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

@Configuration(proxyBeanMethods = false)
@EnableConfigurationProperties(ObservabilityProperties.class)
class ObservabilityConfiguration {
    /** If traces are not exported, spans record nothing, but callers' trace IDs still appear in the log. */
    @Bean
    SdkTracerProviderBuilderCustomizer recordOnlyWhatIsSent(ObjectProvider<SpanExporter> exporters, Sampler sampler) {
        return builder -> builder.setSampler(areTracesSent(exporters) ? new DrawnBefore(sampler) : Sampler.alwaysOff());
    }

    private static boolean areTracesSent(ObjectProvider<SpanExporter> exporters) {
        return exporters.stream().findAny().isPresent();
    }

    /** @param others decides whether to sample the traces that the {@link ObservationShortcut} has not sampled */
    private record DrawnBefore(Sampler others) implements Sampler {
        @Override
        public SamplingResult shouldSample(
                Context parent,
                String traceId,
                String name,
                SpanKind kind,
                Attributes attributes,
                List<LinkData> links) {
            return ObservationShortcut.isInSample(parent)
                    ? SamplingResult.recordAndSample()
                    : others.shouldSample(parent, traceId, name, kind, attributes, links);
        }

        @Override
        public String getDescription() {
            return "DrawnBefore{" + others.getDescription() + "}";
        }
    }

    @Bean
    DgsDataLoaderOptionsProvider observeDataLoaders(DataLoaderObserver observer) {
        DgsDataLoaderOptionsProvider options = new DefaultDataLoaderOptionsProvider();
        return (name, annotation) -> options.getOptions(name, annotation).setInstrumentation(observer);
    }
}
