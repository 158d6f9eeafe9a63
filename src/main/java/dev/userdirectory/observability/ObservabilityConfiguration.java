package dev.userdirectory.observability;

import com.netflix.graphql.dgs.DgsDataLoaderOptionsProvider;
import com.netflix.graphql.dgs.internal.DefaultDataLoaderOptionsProvider;
import graphql.execution.instrumentation.Instrumentation;
import io.micrometer.tracing.Tracer;
import io.opentelemetry.sdk.trace.export.SpanExporter;
import io.opentelemetry.sdk.trace.samplers.Sampler;
import javax.sql.DataSource;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.beans.factory.config.BeanPostProcessor;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.boot.graphql.autoconfigure.GraphQlSourceBuilderCustomizer;
import org.springframework.boot.micrometer.tracing.opentelemetry.autoconfigure.SdkTracerProviderBuilderCustomizer;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

@Configuration(proxyBeanMethods = false)
@EnableConfigurationProperties(ObservabilityProperties.class)
class ObservabilityConfiguration {
    /** Where traces are sent nowhere, spans record nothing; trace IDs are still taken over, for the log. */
    @Bean
    SdkTracerProviderBuilderCustomizer recordOnlyWhatIsSent(ObjectProvider<SpanExporter> exporters) {
        return builder -> {
            if (exporters.stream().findAny().isEmpty()) {
                builder.setSampler(Sampler.alwaysOff());
            }
        };
    }

    @Bean
    GraphQlSourceBuilderCustomizer traceFields(ObjectProvider<Instrumentation> instrumentations) {
        return source -> source.configureGraphQl(graphQl -> graphQl.instrumentation(
                new TracedFields(instrumentations.orderedStream().toList())));
    }

    @Bean
    static BeanPostProcessor traceStatements(ObjectProvider<Tracer> tracer) {
        return new BeanPostProcessor() {
            @Override
            public Object postProcessAfterInitialization(Object bean, String name) {
                return bean instanceof DataSource dataSource ? new TracedDataSource(dataSource, tracer) : bean;
            }
        };
    }

    @Bean
    DgsDataLoaderOptionsProvider observeDataLoaders(DataLoaderObserver observer) {
        DgsDataLoaderOptionsProvider options = new DefaultDataLoaderOptionsProvider();
        return (name, annotation) -> options.getOptions(name, annotation).setInstrumentation(observer);
    }
}
