package dev.userdirectory.graphql.limit;

import dev.userdirectory.graphql.document.MemoryProperties;
import dev.userdirectory.graphql.scope.SchemaGuard;
import dev.userdirectory.graphql.scope.SecurityProperties;
import java.util.List;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.boot.graphql.autoconfigure.GraphQlSourceBuilderCustomizer;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

@Configuration(proxyBeanMethods = false)
@EnableConfigurationProperties({SecurityProperties.class, Limits.class, RateLimits.class, MemoryProperties.class})
class PolicyConfiguration {
    @Bean
    GraphQlSourceBuilderCustomizer guardSchema(SecurityProperties properties) {
        return builder -> builder.typeVisitors(List.of(new SchemaGuard(properties)));
    }
}
