package dev.userdirectory.shortcut;

import dev.userdirectory.graphql.operation.BoundedExecutionStrategy;
import graphql.execution.DataFetcherExceptionHandler;
import graphql.execution.ExecutionStrategy;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.observation.ObservationRegistry;
import io.micrometer.tracing.propagation.Propagator;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.context.Context;
import io.opentelemetry.sdk.trace.export.SpanExporter;
import io.opentelemetry.sdk.trace.samplers.Sampler;
import io.opentelemetry.sdk.trace.samplers.SamplingDecision;
import java.util.List;
import java.util.function.Predicate;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBooleanProperty;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.boot.graphql.autoconfigure.GraphQlProperties;
import org.springframework.boot.micrometer.observation.autoconfigure.ObservationProperties;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.graphql.server.WebGraphQlInterceptor.Chain;
import org.springframework.http.server.observation.DefaultServerRequestObservationConvention;
import tools.jackson.databind.json.JsonMapper;

/** The shortcuts that are switched on. */
@Configuration(proxyBeanMethods = false)
@EnableConfigurationProperties(ShortcutProperties.class)
class ShortcutConfiguration {
    static final String PREFIX = "directory.shortcuts";

    /** The strategy that DGS executes queries with. */
    @Bean("query")
    ExecutionStrategy query(DataFetcherExceptionHandler exceptionHandler, ShortcutProperties shortcuts) {
        return shortcuts.property()
                ? new PropertyShortcut(exceptionHandler)
                : new BoundedExecutionStrategy(exceptionHandler);
    }

    @Bean
    @ConditionalOnBooleanProperty(prefix = PREFIX, name = "post", matchIfMissing = true)
    PostShortcut postShortcut(GraphQlProperties properties, Chain operations, JsonMapper json) {
        return new PostShortcut(properties, operations, json);
    }

    /** Replaces Spring Boot's filter. */
    @Bean
    @ConditionalOnBooleanProperty(
            prefix = PREFIX,
            name = {"post", "observation"},
            matchIfMissing = true)
    ObservationShortcut observationShortcut(
            ObjectProvider<SpanExporter> exporters,
            Sampler sampler,
            PostShortcut posts,
            GraphQlProperties graphQl,
            Propagator propagator,
            MeterRegistry meters,
            ObservationRegistry observations,
            ObservationProperties properties) {
        boolean areTracesSent = exporters.stream().findAny().isPresent();
        Predicate<String> sample = traceId -> areTracesSent
                && sampler.shouldSample(Context.root(), traceId, "", SpanKind.SERVER, Attributes.empty(), List.of())
                                .getDecision()
                        == SamplingDecision.RECORD_AND_SAMPLE;
        return new ObservationShortcut(
                sample,
                posts,
                graphQl.getHttp().getPath(),
                propagator.fields(),
                meters,
                observations,
                new DefaultServerRequestObservationConvention(
                        properties.getHttp().getServer().getRequests().getName()));
    }
}
