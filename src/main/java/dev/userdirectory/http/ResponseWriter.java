package dev.userdirectory.http;

import dev.userdirectory.graphql.limit.RateLimited;
import dev.userdirectory.graphql.operation.TransportRules;
import dev.userdirectory.graphql.operation.WrittenResult;
import graphql.ExecutionResult;
import java.util.Set;
import org.springframework.graphql.server.WebGraphQlResponse;
import org.springframework.http.HttpMethod;
import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;
import tools.jackson.databind.json.JsonMapper;

/** Determines the HTTP status and the body of a response, regardless of the path that its request has taken. */
public final class ResponseWriter {
    private ResponseWriter() {}

    public static byte[] json(WebGraphQlResponse response, JsonMapper json) {
        return response.getExecutionResult() instanceof WrittenResult written
                ? written.json()
                : json.writeValueAsBytes(response.toMap());
    }

    public static HttpStatus status(WebGraphQlResponse response, MediaType type) {
        ExecutionResult result = response.getExecutionResult();
        if (result.isDataPresent()) {
            return HttpStatus.OK;
        }
        if (TransportRules.isMutationByGet(response)) {
            response.getResponseHeaders().setAllow(Set.of(HttpMethod.POST));
            return HttpStatus.METHOD_NOT_ALLOWED;
        }
        if (RateLimited.retryAfter(result) != null) {
            return HttpStatus.TOO_MANY_REQUESTS;
        }
        // GraphQL over HTTP, 6.4: a client that accepts plain JSON may attribute any other status to a proxy.
        return type.equals(MediaType.APPLICATION_JSON) ? HttpStatus.OK : HttpStatus.BAD_REQUEST;
    }
}
