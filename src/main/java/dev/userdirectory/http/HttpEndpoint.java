package dev.userdirectory.http;

import dev.userdirectory.error.ErrorCode;
import dev.userdirectory.graphql.document.Sha256;
import dev.userdirectory.graphql.operation.Operation;
import dev.userdirectory.graphql.operation.Transport;
import dev.userdirectory.graphql.operation.WrittenResult;
import jakarta.servlet.ServletException;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.graphql.autoconfigure.GraphQlProperties;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.Ordered;
import org.springframework.core.annotation.Order;
import org.springframework.graphql.server.WebGraphQlHandler;
import org.springframework.graphql.server.WebGraphQlResponse;
import org.springframework.graphql.server.webmvc.GraphQlHttpHandler;
import org.springframework.http.CacheControl;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpMethod;
import org.springframework.http.HttpStatus;
import org.springframework.http.InvalidMediaTypeException;
import org.springframework.http.MediaType;
import org.springframework.web.servlet.function.RequestPredicates;
import org.springframework.web.servlet.function.RouterFunction;
import org.springframework.web.servlet.function.RouterFunctions;
import org.springframework.web.servlet.function.ServerRequest;
import org.springframework.web.servlet.function.ServerResponse;
import reactor.core.publisher.Mono;
import tools.jackson.databind.json.JsonMapper;

/**
 * GraphQL over HTTP, except for requests that a shortcut has answered. Requests that are not GraphQL are rejected with
 * an error message; Spring would send the status alone.
 */
@Configuration(proxyBeanMethods = false)
public class HttpEndpoint {
    private static final Set<HttpMethod> METHODS = Set.of(HttpMethod.GET, HttpMethod.HEAD, HttpMethod.POST);
    private static final MediaType APPLICATION_GRAPHQL = new MediaType("application", "graphql");

    static final HttpError NOT_ONE_REQUEST = new HttpError(
            ErrorCode.BAD_REQUEST,
            "Send one JSON object with a `query`, or its members in the URL of a GET; lists of operations are not"
                    + " served");
    private static final HttpError OTHER_METHOD = new HttpError(
                    ErrorCode.METHOD_NOT_ALLOWED, "Send a query by GET or POST")
            .with(HttpHeaders.ALLOW, "GET,HEAD,POST");
    /** A page of another site can send the media types of a form without a CORS preflight, but not JSON. */
    private static final HttpError OTHER_TYPE =
            new HttpError(ErrorCode.UNSUPPORTED_MEDIA_TYPE, "Send application/json, not a form or text");
    /** RFC 9110, 15.5.16. */
    private static final HttpError ENCODED = new HttpError(
                    ErrorCode.UNSUPPORTED_MEDIA_TYPE, "Send the body without Content-Encoding")
            .with(HttpHeaders.ACCEPT_ENCODING, "identity");

    private static final HttpError NOT_ACCEPTABLE = new HttpError(
            ErrorCode.NOT_ACCEPTABLE,
            "Accept application/graphql-response+json, application/json or text/event-stream");

    /** Takes precedence over Spring's own router function; only Spring's handler is used. */
    @Bean
    @Order(Ordered.HIGHEST_PRECEDENCE)
    RouterFunction<ServerResponse> graphQlOverHttp(
            GraphQlProperties properties,
            GraphQlHttpHandler handler,
            ObjectProvider<EventStreamWriter> streams,
            JsonMapper json) {
        return RouterFunctions.route(
                RequestPredicates.path(properties.getHttp().getPath()),
                request -> answer(request, handler, streams.getObject(), json));
    }

    private static ServerResponse answer(
            ServerRequest request, GraphQlHttpHandler handler, EventStreamWriter streams, JsonMapper json)
            throws ServletException {
        boolean post = request.method().equals(HttpMethod.POST);
        Negotiation accepted = Negotiation.of(request.servletRequest());
        HttpError error = problem(request, accepted);
        if (error != null) {
            return error.response(request);
        }
        if (accepted.streamFirst() && request.method().equals(HttpMethod.HEAD)) {
            return ServerResponse.ok()
                    .cacheControl(CacheControl.noStore())
                    .contentType(MediaType.TEXT_EVENT_STREAM)
                    .build();
        }
        ServerRequest operation = post ? request : GetRequests.asPost(request, json);
        boolean stream = accepted.stream() && !request.method().equals(HttpMethod.HEAD);
        Operation.of(request.servletRequest()).transport =
                post ? stream ? Transport.STREAM : Transport.POST : stream ? Transport.STREAM_BY_GET : Transport.GET;
        return accepted.streamFirst() ? streams.handleRequest(operation) : handler.handleRequest(operation);
    }

    private static @Nullable HttpError problem(ServerRequest request, Negotiation accepted) {
        if (!METHODS.contains(request.method())) {
            return OTHER_METHOD;
        }
        if (request.method().equals(HttpMethod.POST)) {
            if (!isJson(request)) {
                return OTHER_TYPE;
            }
            if (isEncoded(request.headers().firstHeader(HttpHeaders.CONTENT_ENCODING))) {
                return ENCODED;
            }
        }
        return accepted.isNothing() ? NOT_ACCEPTABLE : null;
    }

    public static boolean isEncoded(@Nullable String encoding) {
        return encoding != null && !encoding.isBlank() && !encoding.strip().equalsIgnoreCase("identity");
    }

    private static boolean isJson(ServerRequest request) {
        try {
            return request.headers()
                    .contentType()
                    .filter(type -> MediaType.APPLICATION_JSON.includes(type) || APPLICATION_GRAPHQL.includes(type))
                    .isPresent();
        } catch (InvalidMediaTypeException e) {
            return false;
        }
    }

    /** Blocks instead of responding asynchronously, because the operation is executed on the calling thread anyway. */
    @Bean
    GraphQlHttpHandler graphQlHttpHandler(
            WebGraphQlHandler handler, ObjectProvider<EventStreamWriter> streams, JsonMapper json) {
        return new GraphQlHttpHandler(handler) {
            @Override
            protected ServerResponse prepareResponse(ServerRequest request, Mono<WebGraphQlResponse> answer) {
                WebGraphQlResponse response = Objects.requireNonNull(answer.block());
                if (WrittenResult.isStream(response)) {
                    return streams.getObject().stream(request, response);
                }
                MediaType type = Objects.requireNonNull(
                        Negotiation.of(request.servletRequest()).json());
                byte[] body = ResponseWriter.json(response, json);
                ServerResponse.BodyBuilder builder = ServerResponse.status(ResponseWriter.status(response, type))
                        .headers(headers -> headers.putAll(response.getResponseHeaders()))
                        .contentType(type);
                if (String.valueOf(response.getResponseHeaders().getCacheControl())
                        .startsWith("no-cache")) {
                    // Each JSON media type is a separate representation, with its own tag (RFC 9110, 8.8.1).
                    String tag = '"' + Sha256.hex(type + " ", body) + '"';
                    if ("*".equals(request.headers().firstHeader(HttpHeaders.IF_NONE_MATCH))) {
                        // RFC 9110, 13.1.2: `*` matches every response. Spring, which compares tags, does not match it.
                        return ServerResponse.status(HttpStatus.NOT_MODIFIED)
                                .headers(headers -> headers.putAll(response.getResponseHeaders()))
                                .eTag(tag)
                                .build();
                    }
                    builder.eTag(tag);
                }
                return builder.body(body);
            }
        };
    }
}
