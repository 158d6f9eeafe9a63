package dev.userdirectory.platform;

import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.jackson.JacksonComponent;
import org.springframework.graphql.server.support.SerializableGraphQlRequest;
import tools.jackson.core.JsonParser;
import tools.jackson.core.type.TypeReference;
import tools.jackson.databind.DeserializationContext;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ValueDeserializer;

/**
 * Reads a request that names its document by a hash as Relay does, in {@code id} or {@code documentId}, as one that does
 * so by Apollo's extension. GraphQL over HTTP's {@code sha256:} may stand before it.
 */
@JacksonComponent
class PersistedRequest extends ValueDeserializer<SerializableGraphQlRequest> {
    private static final String SHA256 = "sha256:";
    private static final String EXTENSION = "persistedQuery";

    @Override
    public SerializableGraphQlRequest deserialize(JsonParser parser, DeserializationContext context) {
        JsonNode body = context.readTree(parser);
        if (!body.isObject()) {
            return context.reportInputMismatch(SerializableGraphQlRequest.class, "not one request");
        }
        SerializableGraphQlRequest request = new SerializableGraphQlRequest();
        if (body.hasNonNull("query")) {
            request.setQuery(text(body, "query", context));
        }
        if (body.hasNonNull("operationName")) {
            request.setOperationName(text(body, "operationName", context));
        }
        request.setVariables(fields(body, "variables", context));
        Map<String, Object> extensions = fields(body, "extensions", context);
        for (String name : new String[] {"documentId", "id"}) {
            if (body.hasNonNull(name) && !extensions.containsKey(EXTENSION)) {
                String id = text(body, name, context).toLowerCase(Locale.ROOT);
                String hash = id.startsWith(SHA256) ? id.substring(SHA256.length()) : id;
                extensions.put(EXTENSION, Map.of("version", 1, "sha256Hash", hash));
            }
        }
        request.setExtensions(extensions);
        return request;
    }

    /** Of a body that is just {@code null}. */
    @Override
    public Object getNullValue(DeserializationContext context) {
        return context.reportInputMismatch(SerializableGraphQlRequest.class, "not one request");
    }

    private static String text(JsonNode body, String name, DeserializationContext context) {
        JsonNode value = body.get(name);
        return value.isString()
                ? value.asString()
                : context.reportInputMismatch(SerializableGraphQlRequest.class, "%s is no text", name);
    }

    private static <V extends @Nullable Object> Map<String, V> fields(
            JsonNode body, String name, DeserializationContext context) {
        if (!body.hasNonNull(name)) {
            return new HashMap<>();
        }
        return context.readTreeAsValue(
                body.get(name), context.constructType(new TypeReference<Map<String, Object>>() {}.getType()));
    }
}
