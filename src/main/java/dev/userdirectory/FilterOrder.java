package dev.userdirectory;

import dev.userdirectory.http.BodyLimit;
import dev.userdirectory.http.ConnectionDraining;
import dev.userdirectory.http.DeniedRequests;
import dev.userdirectory.shortcut.ObservationShortcut;
import dev.userdirectory.shortcut.PostShortcut;
import jakarta.servlet.DispatcherType;
import jakarta.servlet.Filter;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBooleanProperty;
import org.springframework.boot.graphql.autoconfigure.GraphQlProperties;
import org.springframework.boot.web.servlet.FilterRegistrationBean;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.Ordered;

/** Our servlet filters, in order: three before those of Spring Security, and two after. */
@Configuration(proxyBeanMethods = false)
class FilterOrder {
    private static final int FIRST = Ordered.HIGHEST_PRECEDENCE;
    private static final int AFTER_SECURITY = 0;
    private static final String SHORTCUTS = "directory.shortcuts";

    @Bean
    @ConditionalOnBean(ConnectionDraining.class)
    FilterRegistrationBean<?> drain(ConnectionDraining draining) {
        return at(FIRST, draining);
    }

    /**
     * Before Spring Security, to observe the requests that it rejects, too. If either shortcut is off, Spring Boot's
     * own filter observes requests instead.
     */
    @Bean
    @ConditionalOnBooleanProperty(
            prefix = SHORTCUTS,
            name = {"post", "observation"},
            matchIfMissing = true)
    FilterRegistrationBean<?> observe(ObservationShortcut observer) {
        FilterRegistrationBean<?> registration = at(FIRST + 1, observer);
        registration.setDispatcherTypes(DispatcherType.REQUEST, DispatcherType.ASYNC);
        return registration;
    }

    /** Before Spring Security and the body limit, to count the requests that they reject. */
    @Bean
    FilterRegistrationBean<?> countDenied(DeniedRequests denied) {
        return at(FIRST + 2, denied);
    }

    /** After Spring Security, since the body of a request with a bad token need not be read. */
    @Bean
    FilterRegistrationBean<?> readBody(BodyLimit body) {
        return at(AFTER_SECURITY, body);
    }

    /** Handles most operations; Spring MVC handles all other requests. */
    @Bean
    @ConditionalOnBooleanProperty(prefix = SHORTCUTS, name = "post", matchIfMissing = true)
    FilterRegistrationBean<?> answerPosts(PostShortcut posts, GraphQlProperties graphQl) {
        return at(AFTER_SECURITY + 1, posts, graphQl.getHttp().getPath());
    }

    private static FilterRegistrationBean<?> at(int order, Filter filter, String... paths) {
        FilterRegistrationBean<?> registration = new FilterRegistrationBean<>(filter);
        registration.setOrder(order);
        registration.addUrlPatterns(paths);
        return registration;
    }
}
