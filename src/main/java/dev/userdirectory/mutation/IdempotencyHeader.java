package dev.userdirectory.mutation;

import dev.userdirectory.graphql.operation.Operation;
import dev.userdirectory.graphql.operation.Transport;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.springframework.graphql.server.WebGraphQlInterceptor;
import org.springframework.graphql.server.WebGraphQlRequest;
import org.springframework.graphql.server.WebGraphQlResponse;
import org.springframework.stereotype.Component;
import reactor.core.publisher.Mono;

/**
 * Reads the header {@code Idempotency-Key} of <a
 * href="https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/">the IETF's draft</a>: a string of
 * RFC 9651 3.3.3, or the key without quotes. The header is ignored on a socket, whose operations all share the headers
 * of one handshake.
 */
@Component
public class IdempotencyHeader implements WebGraphQlInterceptor {
    static final String NAME = "Idempotency-Key";
    private static final Pattern QUOTED = Pattern.compile("\"((?:[ !#-\\[\\]-~]|\\\\[\"\\\\])*+)\"");
    /** A key without quotes: not a list, and without parameters. */
    private static final Pattern PLAIN = Pattern.compile("[!-~&&[^\",;\\\\]]*+");

    @Override
    public Mono<WebGraphQlResponse> intercept(WebGraphQlRequest request, Chain chain) {
        Operation operation = Operation.of(request);
        List<String> given = request.getHeaders().get(NAME);
        if (given != null && operation.transport != Transport.SOCKET) {
            operation.idempotencyKey = given.size() == 1 ? parse(given.getFirst()) : null;
            operation.hasMalformedKey = operation.idempotencyKey == null;
        }
        return chain.next(request);
    }

    /** Returns null if the header is malformed. */
    private static @Nullable String parse(String header) {
        Matcher quoted = QUOTED.matcher(header);
        if (quoted.matches()) {
            return quoted.group(1).replaceAll("\\\\(.)", "$1");
        }
        return PLAIN.matcher(header).matches() ? header : null;
    }
}
