package dev.userdirectory.graphql.operation;

import graphql.ExecutionResult;
import graphql.GraphQLError;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Publisher;
import org.springframework.graphql.server.WebGraphQlResponse;
import tools.jackson.core.TokenStreamFactory;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.core.type.TypeReference;
import tools.jackson.databind.json.JsonMapper;

/** A result without errors that is already serialized. It is parsed only if its data is accessed. */
public final class WrittenResult implements ExecutionResult {
    private static final TypeReference<Map<String, Object>> MAP = new TypeReference<>() {};

    /** Without Jackson's cache of names, which would keep every alias that clients choose. */
    private static final JsonMapper JSON = JsonMapper.builder(JsonFactory.builder()
                    .disable(TokenStreamFactory.Feature.CANONICALIZE_PROPERTY_NAMES)
                    .build())
            .build();

    private final byte[] json;
    private final @Nullable ExecutionResult source;

    /**
     * @param json the whole response, as it is sent; not copied
     * @param source the result that was serialized, if it is available
     */
    public WrittenResult(byte[] json, @Nullable ExecutionResult source) {
        this.json = json;
        this.source = source;
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
        return source == null ? JSON.readValue(json, MAP) : source.toSpecification();
    }
}
