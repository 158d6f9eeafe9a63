package dev.userdirectory.lambda;

import org.springframework.context.annotation.Profile;
import org.springframework.core.annotation.Order;
import org.springframework.graphql.server.WebGraphQlInterceptor;
import org.springframework.graphql.server.WebGraphQlRequest;
import org.springframework.graphql.server.WebGraphQlResponse;
import org.springframework.stereotype.Component;
import reactor.core.publisher.Mono;

/**
 * Waits for each response, which has its own deadline: an instance has one request at a time, and the container that
 * stands in for a server never comes back to a request whose thread it was given up by.
 */
@Component
@Profile("lambda")
@Order(-1000) // Around what answers on another thread.
class OneByOne implements WebGraphQlInterceptor {
    @Override
    public Mono<WebGraphQlResponse> intercept(WebGraphQlRequest request, Chain chain) {
        return Mono.deferContextual(context ->
                Mono.justOrEmpty(chain.next(request).contextWrite(context).block()));
    }
}
