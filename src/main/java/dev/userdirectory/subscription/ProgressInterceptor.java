package dev.userdirectory.subscription;

import graphql.execution.SubscriptionExecutionStrategy;
import java.util.Map;
import org.springframework.graphql.server.WebGraphQlInterceptor;
import org.springframework.graphql.server.WebGraphQlRequest;
import org.springframework.graphql.server.WebGraphQlResponse;
import org.springframework.stereotype.Component;
import reactor.core.publisher.Mono;

/** Without the order being asked for, graphql-java publishes first what was executed first. */
@Component
class ProgressInterceptor implements WebGraphQlInterceptor {
    @Override
    public Mono<WebGraphQlResponse> intercept(WebGraphQlRequest request, Chain chain) {
        Progress progress = new Progress(request.getHeaders().getFirst("Last-Event-ID"));
        request.configureExecutionInput((input, builder) -> builder.graphQLContext(Map.of(
                        Progress.class, progress, SubscriptionExecutionStrategy.KEEP_SUBSCRIPTION_EVENTS_ORDERED, true))
                .build());
        return chain.next(request);
    }
}
