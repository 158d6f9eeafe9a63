package dev.userdirectory.graphql.operation;

import graphql.ExecutionResult;
import graphql.GraphQLError;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Publisher;
import org.springframework.graphql.server.WebGraphQlResponse;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.util.RawValue;

/**
 * A result without errors that is already serialized. Its data is not parsed again, which would take many times the
 * memory: {@link #getData()} returns JSON that Jackson writes as it is.
 */
public final class WrittenResult implements ExecutionResult {
    private static final byte[] START = "{\"data\":".getBytes(StandardCharsets.US_ASCII);

    private final byte[] json;

    /** @param json the whole response, from {@link #json(Object)}; not copied */
    public WrittenResult(byte[] json) {
        this.json = json;
    }

    /** Returns a response with this data, and without errors, as it is sent. */
    public static byte[] json(Object data) {
        return JsonMapper.shared().writeValueAsBytes(Map.of("data", data));
    }

    /** Whether the response is a stream of results. A written result never is. */
    public static boolean isStream(WebGraphQlResponse response) {
        return !(response.getExecutionResult() instanceof WrittenResult) && response.getData() instanceof Publisher;
    }

    public byte[] json() {
        return json;
    }

    @Override
    public List<GraphQLError> getErrors() {
        return List.of();
    }

    @Override
    @SuppressWarnings({"unchecked", "TypeParameterUnusedInFormals"})
    public <T> T getData() {
        int length = json.length - START.length - 1;
        return (T) new RawValue(new String(json, START.length, length, StandardCharsets.UTF_8));
    }

    @Override
    public boolean isDataPresent() {
        return true;
    }

    @Override
    public @Nullable Map<Object, Object> getExtensions() {
        return null;
    }

    @Override
    public Map<String, Object> toSpecification() {
        return Map.of("data", getData());
    }
}
