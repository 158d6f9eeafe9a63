package dev.userdirectory.graphql.cache;

import org.jspecify.annotations.Nullable;
import org.springframework.boot.autoconfigure.AutoConfigurationImportFilter;
import org.springframework.boot.autoconfigure.AutoConfigurationMetadata;
import org.springframework.context.EnvironmentAware;
import org.springframework.core.env.Environment;

/** Keeps Spring Boot from setting up a Redis client that nothing would use, which would slow down the start. */
class UnusedRedis implements AutoConfigurationImportFilter, EnvironmentAware {
    private static final String PACKAGE = "org.springframework.boot.data.redis.autoconfigure.";

    private boolean unused;

    @Override
    public void setEnvironment(Environment environment) {
        unused = environment.resolvePlaceholders(SharedStore.ADDRESS).isEmpty();
    }

    @Override
    public boolean[] match(@Nullable String[] classes, AutoConfigurationMetadata metadata) {
        boolean[] matches = new boolean[classes.length];
        for (int i = 0; i < classes.length; i++) {
            String name = classes[i];
            matches[i] = !unused || name == null || !name.startsWith(PACKAGE);
        }
        return matches;
    }
}
