package dev.userdirectory.platform;

import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.jackson.JacksonComponent;
import org.springframework.graphql.server.support.SerializableGraphQlRequest;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.databind.BeanProperty;
import tools.jackson.databind.DeserializationContext;
import tools.jackson.databind.ValueDeserializer;

/**
 * Reads a request that names its document by a hash as Relay does, in {@code id} or {@code documentId}, as one that does
 * so by Apollo's extension. GraphQL over HTTP's {@code sha256:} may stand before it.
 */
@JacksonComponent
class PersistedRequest extends ValueDeserializer<SerializableGraphQlRequest> {
    private static final String SHA256 = "sha256:";
    private static final String EXTENSION = "persistedQuery";

    private final @Nullable ValueDeserializer<Object> bodies;

    PersistedRequest() {
        this(null);
    }

    private PersistedRequest(@Nullable ValueDeserializer<Object> bodies) {
        this.bodies = bodies;
    }

    /** Once for all requests. */
    @Override
    public ValueDeserializer<?> createContextual(DeserializationContext context, @Nullable BeanProperty property) {
        return new PersistedRequest(context.findRootValueDeserializer(context.constructType(Map.class)));
    }

    @Override
    public SerializableGraphQlRequest deserialize(JsonParser parser, DeserializationContext context) {
        if (parser.currentToken() != JsonToken.START_OBJECT) {
            return context.reportInputMismatch(SerializableGraphQlRequest.class, "not one request");
        }
        Map<?, ?> body = (Map<?, ?>) Objects.requireNonNull(bodies).deserialize(parser, context);
        SerializableGraphQlRequest request = new SerializableGraphQlRequest();
        String query = text(body, "query", context);
        request.setOperationName(text(body, "operationName", context));
        request.setVariables(fields(body, "variables", context));
        Map<String, Object> extensions = fields(body, "extensions", context);
        for (String name : new String[] {"documentId", "id"}) {
            String id = extensions.containsKey(EXTENSION) ? null : text(body, name, context);
            if (id != null) {
                String lowerCase = id.toLowerCase(Locale.ROOT);
                String hash = lowerCase.startsWith(SHA256) ? lowerCase.substring(SHA256.length()) : lowerCase;
                extensions.put(EXTENSION, Map.of("version", 1, "sha256Hash", hash));
            }
        }
        request.setExtensions(extensions);
        // Over a socket, where the protocol demands a query, clients send an empty one beside the hash.
        if (query != null && !(query.isBlank() && extensions.containsKey(EXTENSION))) {
            request.setQuery(query);
        }
        return request;
    }

    /** Of a body that is just {@code null}. */
    @Override
    public Object getNullValue(DeserializationContext context) {
        return context.reportInputMismatch(SerializableGraphQlRequest.class, "not one request");
    }

    private static @Nullable String text(Map<?, ?> body, String name, DeserializationContext context) {
        Object value = body.get(name);
        return value == null || value instanceof String
                ? (String) value
                : context.reportInputMismatch(SerializableGraphQlRequest.class, "%s is no text", name);
    }

    @SuppressWarnings("unchecked")
    private static <V extends @Nullable Object> Map<String, V> fields(
            Map<?, ?> body, String name, DeserializationContext context) {
        Object value = body.get(name);
        if (value == null) {
            return new HashMap<>();
        }
        return value instanceof Map<?, ?>
                ? (Map<String, V>) value
                : context.reportInputMismatch(SerializableGraphQlRequest.class, "%s are no object", name);
    }
}
