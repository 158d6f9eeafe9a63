package dev.userdirectory.shortcut;

import dev.userdirectory.graphql.operation.Operation;
import dev.userdirectory.http.BodyLimit;
import dev.userdirectory.http.HttpEndpoint;
import dev.userdirectory.http.HttpRefusals;
import dev.userdirectory.http.Negotiation;
import dev.userdirectory.http.ResponseWriter;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.URI;
import java.util.Collections;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.graphql.autoconfigure.GraphQlProperties;
import org.springframework.graphql.server.WebGraphQlInterceptor.Chain;
import org.springframework.graphql.server.WebGraphQlRequest;
import org.springframework.graphql.server.WebGraphQlResponse;
import org.springframework.graphql.server.support.SerializableGraphQlRequest;
import org.springframework.http.HttpHeaders;
import org.springframework.http.MediaType;
import org.springframework.util.AlternativeJdkIdGenerator;
import org.springframework.util.IdGenerator;
import org.springframework.web.filter.OncePerRequestFilter;
import org.springframework.web.server.ServerWebInputException;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.json.JsonMapper;

/**
 * Handles a single operation that is sent as JSON by POST, as nearly every client does, right after the filters. All
 * other requests take Spring's longer path: the dispatch of Spring MVC, a router, message converters and an
 * asynchronous response.
 */
public class PostShortcut extends OncePerRequestFilter {
    private final String path;
    private final URI uri;
    private final Chain operations;
    private final JsonMapper json;
    private final IdGenerator ids = new AlternativeJdkIdGenerator();

    PostShortcut(GraphQlProperties properties, Chain operations, JsonMapper json) {
        path = properties.getHttp().getPath();
        uri = URI.create(path);
        this.operations = operations;
        this.json = json;
    }

    /** Whether this filter handles the request, unless its token or body is rejected first. */
    boolean answers(HttpServletRequest request) {
        return request.getRequestURI().equals(path) && answerType(request) != null;
    }

    @Override
    protected void doFilterInternal(HttpServletRequest request, HttpServletResponse response, FilterChain others)
            throws ServletException, IOException {
        MediaType type = answerType(request);
        if (type == null || !(request instanceof BodyLimit.ReadRequest read)) {
            others.doFilter(request, response);
            return;
        }
        WebGraphQlRequest graphQl;
        try {
            graphQl = asGraphQl(request, json.readValue(read.body(), SerializableGraphQlRequest.class));
        } catch (JacksonException | ServerWebInputException e) {
            HttpRefusals.unreadable(e).writeTo(request, response);
            return;
        }
        try {
            write(Objects.requireNonNull(operations.next(graphQl).block()), type, response);
        } catch (RuntimeException | StackOverflowError e) {
            HttpRefusals.unforeseen(e, request).writeTo(request, response);
        }
    }

    private WebGraphQlRequest asGraphQl(HttpServletRequest request, SerializableGraphQlRequest body) {
        HttpHeaders headers = new HttpHeaders();
        for (String name : Collections.list(request.getHeaderNames())) {
            headers.addAll(name, Collections.list(request.getHeaders(name)));
        }
        // Unresolved, since the address is only compared.
        InetSocketAddress address = InetSocketAddress.createUnresolved(request.getRemoteAddr(), 0);
        return new WebGraphQlRequest(
                uri,
                headers,
                null,
                address,
                Map.of(Operation.ATTRIBUTE, Operation.of(request)),
                body,
                ids.generateId().toString(),
                null);
    }

    private void write(WebGraphQlResponse answer, MediaType type, HttpServletResponse response) throws IOException {
        byte[] body = ResponseWriter.json(answer, json);
        response.setStatus(ResponseWriter.status(answer, type).value());
        answer.getResponseHeaders().forEach((name, values) -> values.forEach(value -> response.addHeader(name, value)));
        response.setContentType(type.toString());
        response.setContentLength(body.length);
        response.getOutputStream().write(body);
    }

    private static boolean isJson(@Nullable String contentType) {
        return contentType != null
                && switch (contentType.toLowerCase(Locale.ROOT)) {
                    case "application/json", "application/json;charset=utf-8", "application/json; charset=utf-8" ->
                        true;
                    default -> false;
                };
    }

    /** Returns null if {@link HttpEndpoint} has to handle the request. */
    private static @Nullable MediaType answerType(HttpServletRequest request) {
        if (!request.getMethod().equals("POST")
                || !isJson(request.getContentType())
                || HttpEndpoint.isEncoded(request.getHeader(HttpHeaders.CONTENT_ENCODING))) {
            return null;
        }
        Negotiation accepted = Negotiation.of(request);
        return accepted.stream() ? null : accepted.json();
    }
}
