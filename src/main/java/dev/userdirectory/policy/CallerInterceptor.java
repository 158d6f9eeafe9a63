package dev.userdirectory.policy;

import java.util.Map;
import org.springframework.core.annotation.Order;
import org.springframework.graphql.server.WebGraphQlInterceptor;
import org.springframework.graphql.server.WebGraphQlRequest;
import org.springframework.graphql.server.WebGraphQlResponse;
import org.springframework.security.core.context.SecurityContext;
import org.springframework.security.core.context.SecurityContextHolder;
import org.springframework.stereotype.Component;
import reactor.core.publisher.Mono;

/**
 * Notes the {@link Caller}. Over HTTP the security context is on the thread; on a socket it comes with the Reactor
 * context, from an interceptor of a higher order, and only once the chain is subscribed to.
 */
@Component
@Order(0)
class CallerInterceptor implements WebGraphQlInterceptor {
    @Override
    public Mono<WebGraphQlResponse> intercept(WebGraphQlRequest request, Chain chain) {
        return Mono.deferContextual(context -> {
            SecurityContext security = context.<SecurityContext>getOrEmpty(SecurityContext.class.getName())
                    .orElseGet(SecurityContextHolder::getContext);
            Caller caller = Caller.of(security.getAuthentication());
            request.configureExecutionInput((input, builder) ->
                    builder.graphQLContext(Map.of(Caller.class, caller)).build());
            return chain.next(request);
        });
    }
}
