package dev.userdirectory.http;

import java.util.List;
import org.springframework.http.HttpMethod;
import org.springframework.http.MediaType;
import org.springframework.web.server.ServerWebInputException;
import org.springframework.web.servlet.function.ServerRequest;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * Translates a GET or HEAD, which Spring for GraphQL does not support, into a POST. The URL contains {@code query},
 * {@code operationName}, the hash of a persisted query and, as JSON, {@code variables} and {@code extensions}.
 */
final class GetRequests {
    private GetRequests() {}

    static ServerRequest asPost(ServerRequest request, JsonMapper json) {
        ObjectNode body = json.createObjectNode();
        try {
            for (String name : List.of("query", "operationName", "documentId", "id")) {
                request.param(name).ifPresent(text -> body.put(name, text));
            }
        } catch (IllegalStateException e) {
            throw new ServerWebInputException("Not UTF-8", null, e);
        }
        for (String name : List.of("variables", "extensions")) {
            request.param(name).filter(text -> !text.isEmpty()).ifPresent(text -> body.set(name, parse(text, json)));
        }
        return ServerRequest.from(request)
                .method(HttpMethod.POST)
                .headers(headers -> headers.setContentType(MediaType.APPLICATION_JSON))
                .body(body.toString())
                .build();
    }

    private static JsonNode parse(String text, JsonMapper json) {
        try {
            return json.readTree(text);
        } catch (JacksonException e) {
            throw new ServerWebInputException("Not JSON", null, e);
        }
    }
}
