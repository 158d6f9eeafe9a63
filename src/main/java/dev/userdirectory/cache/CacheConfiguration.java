package dev.userdirectory.cache;

import dev.userdirectory.platform.Accepted;
import dev.userdirectory.policy.ByOperation;
import dev.userdirectory.policy.MemoryProperties;
import graphql.ExecutionResult;
import graphql.execution.ExecutionContext;
import graphql.execution.instrumentation.InstrumentationContext;
import graphql.execution.instrumentation.InstrumentationState;
import graphql.execution.instrumentation.SimplePerformantInstrumentation;
import graphql.execution.instrumentation.parameters.InstrumentationExecuteOperationParameters;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletRequestWrapper;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.Collections;
import java.util.Enumeration;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.boot.graphql.autoconfigure.GraphQlProperties;
import org.springframework.boot.web.servlet.FilterRegistrationBean;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.http.HttpHeaders;
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

    /** {@code If-None-Match: *} (RFC 9110, 13.1.2), which Spring does not take for a match: names the tag that there is. */
    private static class AnyTag extends HttpServletRequestWrapper {
        private final HttpServletResponse response;

        AnyTag(HttpServletRequest request, HttpServletResponse response) {
            super(request);
            this.response = response;
        }

        @Override
        public Enumeration<String> getHeaders(String name) {
            String tag = response.getHeader(HttpHeaders.ETAG);
            return tag != null && name.equalsIgnoreCase(HttpHeaders.IF_NONE_MATCH)
                    ? Collections.enumeration(List.of(tag))
                    : super.getHeaders(name);
        }
    }

    /** {@code ETag} and {@code 304} for queries by GET; an event stream has neither, nor an end to wait for. */
    @Bean
    FilterRegistrationBean<ShallowEtagHeaderFilter> etags(GraphQlProperties properties) {
        ShallowEtagHeaderFilter filter = new ShallowEtagHeaderFilter() {
            @Override
            protected boolean shouldNotFilter(HttpServletRequest request) {
                return !request.getMethod().equals("GET") || Accepted.of(request).stream();
            }

            @Override
            protected void doFilterInternal(HttpServletRequest request, HttpServletResponse response, FilterChain chain)
                    throws ServletException, IOException {
                super.doFilterInternal(
                        "*".equals(request.getHeader(HttpHeaders.IF_NONE_MATCH))
                                ? new AnyTag(request, response)
                                : request,
                        response,
                        chain);
            }
        };
        FilterRegistrationBean<ShallowEtagHeaderFilter> registration = new FilterRegistrationBean<>(filter);
        registration.addUrlPatterns(properties.getHttp().getPath());
        return registration;
    }
}
