package dev.userdirectory.platform;

import graphql.ExecutionResult;
import graphql.GraphQLError;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.springframework.graphql.server.WebGraphQlResponse;
import tools.jackson.core.TokenStreamFactory;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.core.type.TypeReference;
import tools.jackson.databind.json.JsonMapper;

/** A result without errors that is there as it is sent. Who wants to look into it has it read. */
public final class WrittenResult implements ExecutionResult {
    private static final TypeReference<Map<String, Object>> MAP = new TypeReference<>() {};

    /** Jackson's cache of names would keep the aliases that clients have chosen. */
    private static final JsonMapper JSON = JsonMapper.builder(JsonFactory.builder()
                    .disable(TokenStreamFactory.Feature.CANONICALIZE_PROPERTY_NAMES)
                    .build())
            .build();

    private final byte[] json;

    /** @param json the whole response, as it is sent; not copied */
    public WrittenResult(byte[] json) {
        this.json = json;
    }

    /** Any response as it is sent. */
    static byte[] bytes(WebGraphQlResponse response, JsonMapper mapper) {
        return response.getExecutionResult() instanceof WrittenResult written
                ? written.json
                : mapper.writeValueAsBytes(response.toMap());
    }

    @Override
    public List<GraphQLError> getErrors() {
        return List.of();
    }

    @Override
    @SuppressWarnings({"unchecked", "TypeParameterUnusedInFormals"})
    public <T> T getData() {
        return (T) Objects.requireNonNull(toSpecification().get("data"));
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
        return JSON.readValue(json, MAP);
    }
}
