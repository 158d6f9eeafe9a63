package dev.userdirectory.http;

import dev.userdirectory.graphql.limit.JsonValues;
import dev.userdirectory.graphql.limit.Limits;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.jackson.JacksonComponent;
import org.springframework.graphql.server.support.SerializableGraphQlRequest;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.databind.DeserializationContext;
import tools.jackson.databind.ValueDeserializer;

/**
 * Reads the members of a GraphQL request and skips all others. A hash in {@code id} or {@code documentId}, by which
 * Relay identifies a persisted document, is translated into Apollo's extension. The hash may have the prefix
 * {@code sha256:} of GraphQL over HTTP.
 */
@JacksonComponent
class RequestDeserializer extends ValueDeserializer<SerializableGraphQlRequest> {
    private static final String SHA256 = "sha256:";
    private static final String EXTENSION = "persistedQuery";

    private final Limits limits;

    RequestDeserializer(Limits limits) {
        this.limits = limits;
    }

    @Override
    public SerializableGraphQlRequest deserialize(JsonParser parser, DeserializationContext context) {
        if (parser.currentToken() != JsonToken.START_OBJECT) {
            return context.reportInputMismatch(SerializableGraphQlRequest.class, "not one request");
        }
        SerializableGraphQlRequest request = new SerializableGraphQlRequest();
        JsonValues values = new JsonValues(parser, limits);
        Map<String, @Nullable Object> variables = new HashMap<>();
        Map<String, Object> extensions = new HashMap<>();
        String query = null;
        String documentId = null;
        String id = null;
        for (String name = parser.nextName(); name != null; name = parser.nextName()) {
            parser.nextToken();
            switch (name) {
                case "query" -> query = text(parser, name, context);
                case "operationName" -> request.setOperationName(text(parser, name, context));
                case "documentId" -> documentId = withoutEmpty(text(parser, name, context));
                case "id" -> id = withoutEmpty(text(parser, name, context));
                case "variables" -> variables = object(parser, values, name, context);
                case "extensions" -> extensions = object(parser, values, name, context);
                default -> values.skip();
            }
        }
        String hash = documentId == null ? id : documentId;
        if (hash != null && extensions.get(EXTENSION) == null) {
            String lowerCase = hash.toLowerCase(Locale.ROOT);
            extensions.put(
                    EXTENSION,
                    Map.of(
                            "version",
                            1,
                            "sha256Hash",
                            lowerCase.startsWith(SHA256) ? lowerCase.substring(SHA256.length()) : lowerCase));
        }
        request.setVariables(variables);
        request.setExtensions(extensions);
        // The WebSocket protocol requires a query, so clients send an empty one along with the hash.
        if (query != null && !(query.isBlank() && extensions.get(EXTENSION) != null)) {
            request.setQuery(query);
        }
        return request;
    }

    /** Called for a body that is just {@code null}. */
    @Override
    public Object getNullValue(DeserializationContext context) {
        return context.reportInputMismatch(SerializableGraphQlRequest.class, "not one request");
    }

    private static @Nullable String text(JsonParser parser, String name, DeserializationContext context) {
        return switch (parser.currentToken()) {
            case VALUE_STRING -> parser.getString();
            case VALUE_NULL -> null;
            default -> context.reportInputMismatch(SerializableGraphQlRequest.class, "%s is not a string", name);
        };
    }

    private static @Nullable String withoutEmpty(@Nullable String text) {
        return text == null || text.isEmpty() ? null : text;
    }

    /** Spring's type for extensions allows no null values, but JSON may contain them. */
    @SuppressWarnings("unchecked")
    private static <V extends @Nullable Object> Map<String, V> object(
            JsonParser parser, JsonValues values, String name, DeserializationContext context) {
        return switch (parser.currentToken()) {
            case START_OBJECT -> (Map<String, V>) values.readObject();
            case VALUE_NULL -> new HashMap<>();
            default -> context.reportInputMismatch(SerializableGraphQlRequest.class, "%s is not an object", name);
        };
    }
}
