package dev.userdirectory.http;

import dev.userdirectory.error.ErrorCode;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;
import org.springframework.http.server.ServerHttpResponse;
import org.springframework.web.servlet.function.ServerRequest;
import org.springframework.web.servlet.function.ServerResponse;
import tools.jackson.databind.json.JsonMapper;

/** The error for a request that is rejected before any GraphQL is executed, in the shape of a GraphQL response. */
public record HttpError(HttpStatus status, String message, Map<String, ?> extensions, Map<String, String> headers) {
    /** The request attribute that has the {@link ErrorCode} of the error, once it has been written. */
    static final String CODE = HttpError.class.getName();

    public HttpError(HttpStatus status, String message, Map<String, ?> extensions) {
        this(status, message, extensions, Map.of(HttpHeaders.CACHE_CONTROL, "no-store"));
    }

    public HttpError(ErrorCode code, String message) {
        this(code, message, Map.of());
    }

    /**
     * @param code a code that has a status
     * @param details further extensions
     */
    public HttpError(ErrorCode code, String message, Map<String, ?> details) {
        this(Objects.requireNonNull(code.status()), message, code.extensions(details));
    }

    /** The error for a request that the server or a framework has rejected with only a status. */
    public static HttpError of(int statusCode) {
        HttpStatus status =
                Objects.requireNonNullElse(HttpStatus.resolve(statusCode), HttpStatus.INTERNAL_SERVER_ERROR);
        String message = switch (status) {
            case BAD_REQUEST ->
                "This is not HTTP, or its URL is too long or has characters that must be encoded, or its headers are too long";
            case NOT_FOUND -> "Nothing is served under this path";
            case REQUEST_HEADER_FIELDS_TOO_LARGE -> "The headers are too long";
            default -> status.getReasonPhrase();
        };
        return new HttpError(status, message, ErrorCode.of(status).extensions());
    }

    /** The same error with an additional response header. */
    public HttpError with(String header, String value) {
        Map<String, String> more = new HashMap<>(headers);
        more.put(header, value);
        return new HttpError(status, message, extensions, more);
    }

    public void writeTo(HttpServletRequest request, HttpServletResponse response) throws IOException {
        request.setAttribute(CODE, ErrorCode.of(extensions));
        response.setStatus(status.value());
        headers.forEach(response::setHeader);
        response.setContentType(Negotiation.of(request).errors().toString());
        JsonMapper.shared().writeValue(response.getOutputStream(), body());
    }

    public void writeTo(ServerHttpResponse response) throws IOException {
        response.setStatusCode(status);
        headers.forEach(response.getHeaders()::set);
        response.getHeaders().setContentType(MediaType.APPLICATION_JSON);
        JsonMapper.shared().writeValue(response.getBody(), body());
    }

    public ServerResponse response(ServerRequest request) {
        request.servletRequest().setAttribute(CODE, ErrorCode.of(extensions));
        return ServerResponse.status(status)
                .headers(all -> headers.forEach(all::set))
                .contentType(Negotiation.of(request.servletRequest()).errors())
                .body(body());
    }

    public Map<String, ?> body() {
        return Map.of("errors", List.of(asGraphQlError()));
    }

    public Map<String, ?> asGraphQlError() {
        return Map.of("message", message, "extensions", extensions);
    }
}
