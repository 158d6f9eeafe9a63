package dev.userdirectory.cache;

import dev.userdirectory.policy.ByOperation;
import dev.userdirectory.policy.MemoryProperties;
import graphql.ExecutionResult;
import graphql.execution.ExecutionContext;
import graphql.execution.instrumentation.InstrumentationContext;
import graphql.execution.instrumentation.InstrumentationState;
import graphql.execution.instrumentation.SimplePerformantInstrumentation;
import graphql.execution.instrumentation.parameters.InstrumentationExecuteOperationParameters;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

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
}
