package dev.userdirectory.http;

import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;
import org.springframework.http.server.ServerHttpResponse;
import tools.jackson.databind.json.JsonMapper;

/** The error for a request that is rejected before any GraphQL is executed, in the shape of a GraphQL response. */
public record HttpError(HttpStatus status, String message, Map<String, ?> extensions) {
    public HttpError(HttpStatus status, String code, String message) {
        this(status, message, Map.of("code", code));
    }

    /** The error for a request that the server or a framework has rejected with nothing but a status. */
    public static HttpError of(int statusCode) {
        HttpStatus status =
                Objects.requireNonNullElse(HttpStatus.resolve(statusCode), HttpStatus.INTERNAL_SERVER_ERROR);
        return switch (status) {
            case BAD_REQUEST ->
                new HttpError(
                        status,
                        "BAD_REQUEST",
                        "This is not HTTP, or its URL is too long or has characters that must be encoded, or its headers are too long");
            case NOT_FOUND -> new HttpError(status, "NOT_FOUND", "Nothing is served under this path");
            case REQUEST_HEADER_FIELDS_TOO_LARGE ->
                new HttpError(status, "BAD_REQUEST", "The headers are longer than is read");
            default -> new HttpError(status, status.name(), status.getReasonPhrase());
        };
    }

    public void writeTo(HttpServletRequest request, HttpServletResponse response) throws IOException {
        response.setStatus(status.value());
        response.setHeader(HttpHeaders.CACHE_CONTROL, "no-store");
        MediaType type = Objects.requireNonNullElse(Negotiation.of(request).json(), MediaType.APPLICATION_JSON);
        response.setContentType(type.toString());
        JsonMapper.shared().writeValue(response.getOutputStream(), body());
    }

    public void writeTo(ServerHttpResponse response) throws IOException {
        response.setStatusCode(status);
        response.getHeaders().setCacheControl("no-store");
        response.getHeaders().setContentType(MediaType.APPLICATION_JSON);
        JsonMapper.shared().writeValue(response.getBody(), body());
    }

    Map<String, ?> body() {
        return Map.of("errors", List.of(Map.of("message", message, "extensions", extensions)));
    }
}
