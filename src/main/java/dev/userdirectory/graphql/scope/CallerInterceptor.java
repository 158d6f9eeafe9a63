package dev.userdirectory.graphql.scope;

import dev.userdirectory.graphql.operation.Operation;
import org.jspecify.annotations.Nullable;
import org.springframework.graphql.server.WebGraphQlInterceptor;
import org.springframework.graphql.server.WebGraphQlRequest;
import org.springframework.graphql.server.WebGraphQlResponse;
import org.springframework.security.core.Authentication;
import org.springframework.security.core.context.SecurityContext;
import org.springframework.security.core.context.SecurityContextHolder;
import org.springframework.stereotype.Component;
import reactor.core.publisher.Mono;
import reactor.util.context.ContextView;

/**
 * Sets the {@link Caller} of the operation. Over HTTP the security context is on the thread. A socket passes it in the
 * Reactor context, which is only available once the chain is subscribed to.
 */
@Component
public class CallerInterceptor implements WebGraphQlInterceptor {
    @Override
    public Mono<WebGraphQlResponse> intercept(WebGraphQlRequest request, Chain chain) {
        return Mono.deferContextual(context -> {
            Operation.of(request).caller = Caller.of(authentication(context), request.getRemoteAddress());
            return chain.next(request);
        });
    }

    private static @Nullable Authentication authentication(ContextView context) {
        SecurityContext security = context.<SecurityContext>getOrEmpty(SecurityContext.class.getName())
                .orElseGet(SecurityContextHolder::getContext);
        return security.getAuthentication();
    }
}
