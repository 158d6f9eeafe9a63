package dev.userdirectory.graphql.limit;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;

/**
 * Reads or skips the values of one request, and counts them while doing so. It stops at the first value beyond
 * {@link Limits#variables()}, because values take more memory than text: an empty list takes three bytes in the body
 * and about fifty in memory.
 */
public final class JsonValues {
    private final JsonParser parser;
    private final int limit;
    private int count;

    /** @param parser must be at the value to read or skip, whenever a method is called */
    public JsonValues(JsonParser parser, Limits limits) {
        this.parser = parser;
        limit = limits.variables();
    }

    /**
     * Whether a value, or the name of a member, may follow this character. Every value but the outermost, or the name of its
     * member, follows such a character.
     */
    public static boolean mayPrecedeValue(int character) {
        return character == ',' || character == '[' || character == '{';
    }

    /** Reads an object without counting the object itself. */
    public Map<String, @Nullable Object> readObject() {
        Map<String, @Nullable Object> object = new LinkedHashMap<>();
        for (String name = parser.nextName(); name != null; name = parser.nextName()) {
            parser.nextToken();
            object.put(name, read());
        }
        return object;
    }

    private @Nullable Object read() {
        count();
        return switch (parser.currentToken()) {
            case START_OBJECT -> readObject();
            case START_ARRAY -> {
                List<@Nullable Object> list = new ArrayList<>();
                while (parser.nextToken() != JsonToken.END_ARRAY) {
                    list.add(read());
                }
                yield list;
            }
            case VALUE_STRING -> parser.getString();
            case VALUE_NUMBER_INT -> parser.getNumberValue();
            case VALUE_NUMBER_FLOAT -> parser.getDoubleValue();
            case VALUE_TRUE -> true;
            case VALUE_FALSE -> false;
            default -> null;
        };
    }

    /** Skips a value, and counts everything in it. */
    public void skip() {
        int open = 0;
        do {
            JsonToken token = parser.currentToken();
            if (token.isStructEnd()) {
                open--;
            } else if (token != JsonToken.PROPERTY_NAME) {
                count();
                open += token.isStructStart() ? 1 : 0;
            }
        } while (open > 0 && parser.nextToken() != null);
    }

    private void count() {
        if (++count > limit) {
            throw new JsonLimitExceeded(LimitExceeded.VARIABLES.error(count, limit));
        }
    }
}
