package dev.userdirectory.graphql.federation;

import dev.userdirectory.input.BadUserInput;
import java.util.Map;
import java.util.Optional;

/** A gateway's reference to an entity: the entity's type, and the fields of one of its keys. */
public record Representation(Map<String, Object> fields) {
    /** Empty if the field is missing or null. */
    public Optional<String> text(String field) {
        Object value = fields.get(field);
        if (value != null && !(value instanceof String)) {
            throw new BadUserInput(field, "must be a string.");
        }
        return Optional.ofNullable((String) value);
    }
}
