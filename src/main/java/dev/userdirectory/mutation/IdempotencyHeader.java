package dev.userdirectory.mutation;

import dev.userdirectory.graphql.operation.Operation;
import dev.userdirectory.graphql.operation.Transport;
import org.jspecify.annotations.Nullable;
import org.springframework.graphql.server.WebGraphQlInterceptor;
import org.springframework.graphql.server.WebGraphQlRequest;
import org.springframework.graphql.server.WebGraphQlResponse;
import org.springframework.stereotype.Component;
import reactor.core.publisher.Mono;

/**
 * Reads the header {@code Idempotency-Key} of <a
 * href="https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/">the IETF's draft</a>, with or
 * without the quotes of a structured string. A socket has one set of headers for all operations, so there they mean
 * nothing.
 */
@Component
public class IdempotencyHeader implements WebGraphQlInterceptor {
    static final String NAME = "Idempotency-Key";

    @Override
    public Mono<WebGraphQlResponse> intercept(WebGraphQlRequest request, Chain chain) {
        Operation operation = Operation.of(request);
        if (operation.transport != Transport.SOCKET) {
            operation.idempotencyKey = unquoted(request.getHeaders().getFirst(NAME));
        }
        return chain.next(request);
    }

    private static @Nullable String unquoted(@Nullable String header) {
        return header != null && header.length() > 1 && header.startsWith("\"") && header.endsWith("\"")
                ? header.substring(1, header.length() - 1)
                : header;
    }
}
