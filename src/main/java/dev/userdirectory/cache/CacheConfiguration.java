package dev.userdirectory.cache;

import dev.userdirectory.policy.ByOperation;
import dev.userdirectory.policy.MemoryProperties;
import graphql.ExecutionResult;
import graphql.execution.ExecutionContext;
import graphql.execution.instrumentation.InstrumentationContext;
import graphql.execution.instrumentation.InstrumentationState;
import graphql.execution.instrumentation.SimplePerformantInstrumentation;
import graphql.execution.instrumentation.parameters.InstrumentationExecuteOperationParameters;
import jakarta.servlet.http.HttpServletRequest;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.boot.graphql.autoconfigure.GraphQlProperties;
import org.springframework.boot.web.servlet.FilterRegistrationBean;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.http.HttpHeaders;
import org.springframework.http.MediaType;
import org.springframework.web.filter.ShallowEtagHeaderFilter;

@Configuration(proxyBeanMethods = false)
@EnableConfigurationProperties(CacheProperties.class)
class CacheConfiguration {
    @Bean
    SimplePerformantInstrumentation readCachePolicy(MemoryProperties memory) {
        ByOperation<CachePolicy> policies = new ByOperation<>(CachePolicy::of, memory);
        return new SimplePerformantInstrumentation() {
            @Override
            public @Nullable InstrumentationContext<ExecutionResult> beginExecuteOperation(
                    InstrumentationExecuteOperationParameters parameters, @Nullable InstrumentationState state) {
                ExecutionContext context = parameters.getExecutionContext();
                CachedOperation operation = context.getGraphQLContext().get(CachedOperation.class);
                if (operation != null) {
                    operation.set(policies.of(context));
                }
                return null;
            }
        };
    }

    /** {@code ETag} and {@code 304} for queries by GET; an event stream has neither, nor an end to wait for. */
    @Bean
    FilterRegistrationBean<ShallowEtagHeaderFilter> etags(GraphQlProperties properties) {
        ShallowEtagHeaderFilter filter = new ShallowEtagHeaderFilter() {
            @Override
            protected boolean shouldNotFilter(HttpServletRequest request) {
                String accept = request.getHeader(HttpHeaders.ACCEPT);
                return !request.getMethod().equals("GET")
                        || (accept != null && accept.contains(MediaType.TEXT_EVENT_STREAM_VALUE));
            }
        };
        FilterRegistrationBean<ShallowEtagHeaderFilter> registration = new FilterRegistrationBean<>(filter);
        registration.addUrlPatterns(properties.getHttp().getPath());
        return registration;
    }
}
