package dev.userdirectory.platform;

import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.springframework.graphql.MediaTypes;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;
import tools.jackson.databind.json.JsonMapper;

/** A request that is refused before any GraphQL is executed, told in the shape of a GraphQL response. */
record HttpError(HttpStatus status, String message, Map<String, ?> extensions) {
    HttpError(HttpStatus status, String code, String message) {
        this(status, message, Map.of("code", code));
    }

    void writeTo(HttpServletRequest request, HttpServletResponse response) throws IOException {
        response.setStatus(status.value());
        response.setHeader(HttpHeaders.CACHE_CONTROL, "no-store");
        response.setContentType(contentType(request.getHeader(HttpHeaders.ACCEPT)));
        JsonMapper.shared().writeValue(response.getOutputStream(), body());
    }

    Map<String, ?> body() {
        return Map.of("errors", List.of(Map.of("message", message, "extensions", extensions)));
    }

    private static String contentType(@Nullable String accept) {
        String graphQl = MediaTypes.APPLICATION_GRAPHQL_RESPONSE.toString();
        return accept != null && accept.contains(graphQl) ? graphQl : MediaType.APPLICATION_JSON_VALUE;
    }
}
