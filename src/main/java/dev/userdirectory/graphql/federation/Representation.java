package dev.userdirectory.graphql.federation;

import dev.userdirectory.input.BadUserInput;
import java.util.Map;
import java.util.Optional;

/** What a gateway knows of an entity: its type and the fields of one of its keys. */
public record Representation(Map<String, Object> fields) {
    /** Empty if it does not have that field, or has null for it. */
    public Optional<String> text(String field) {
        Object value = fields.get(field);
        if (value != null && !(value instanceof String)) {
            throw new BadUserInput(field, "must be a string.");
        }
        return Optional.ofNullable((String) value);
    }
}
