package dev.userdirectory.graphql.federation;

import dev.userdirectory.input.BadUserInput;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** A gateway's reference to an entity: the entity's type, and the fields of one of its keys. */
public record Representation(Map<String, Object> fields) {
    /** The fields of the keys of users and groups. */
    private static final List<String> FIELDS = List.of("__typename", "id", "email");

    private static final int MAX_LENGTH = 600;

    /**
     * Returns a text that equal representations share, or null for one that is resolved on its own. The client chooses
     * the hashes of its representations, so only short texts, which can be ordered, are good keys of a map.
     */
    static @Nullable String key(Object representation) {
        if (!(representation instanceof Map<?, ?> fields) || !FIELDS.containsAll(fields.keySet())) {
            return null;
        }
        StringBuilder key = new StringBuilder();
        for (String field : FIELDS) {
            Object value = fields.get(field);
            if (value != null && !(value instanceof String given && given.length() <= MAX_LENGTH)) {
                return null;
            }
            String text = String.valueOf(value);
            key.append(value == null ? "-" : text.length() + " " + text).append(' ');
        }
        return key.toString();
    }

    /** Empty if the field is missing or null. */
    public Optional<String> text(String field) {
        Object value = fields.get(field);
        if (value != null && !(value instanceof String)) {
            throw new BadUserInput(field, "must be a string.");
        }
        return Optional.ofNullable((String) value);
    }
}
