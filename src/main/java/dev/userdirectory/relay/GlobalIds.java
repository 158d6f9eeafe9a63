package dev.userdirectory.relay;

import dev.userdirectory.generated.types.InputErrorCode;
import dev.userdirectory.input.BadUserInput;
import dev.userdirectory.input.InputErrors;
import java.nio.ByteBuffer;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Function;
import org.springframework.stereotype.Component;

/** Parses global IDs of the types that features declare. */
@Component
public class GlobalIds {
    /** The length of an ID in base64 without padding. */
    private static final int LENGTH = (GlobalId.BYTES * 8 + 5) / 6;

    private final List<NodeType> types;

    public GlobalIds(List<NodeType> types) {
        this.types = types;
    }

    /** Returns empty if the text is not an ID in the form that this service issues. */
    public Optional<GlobalId> parse(String text) {
        if (text.length() != LENGTH) {
            return Optional.empty();
        }
        ByteBuffer bytes;
        try {
            bytes = ByteBuffer.wrap(Base64.getUrlDecoder().decode(text));
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
        if (bytes.remaining() != GlobalId.BYTES) {
            return Optional.empty();
        }
        byte tag = bytes.get();
        UUID uuid = new UUID(bytes.getLong(), bytes.getLong());
        return types.stream()
                .filter(type -> type.tag() == tag)
                .map(type -> new GlobalId(type, uuid))
                // Base64 has spare bits at the end. Two forms of one ID would be two cache keys.
                .filter(id -> id.toString().equals(text))
                .findFirst();
    }

    /** @throws BadUserInput if the text is not an ID of this service; the error names the argument */
    public GlobalId parse(String argument, String text) {
        return parse(text).orElseThrow(() -> new BadUserInput(argument, "is not an ID of this service."));
    }

    /**
     * For mutations: returns the UUID if the text is an ID of that type, whether or not the object exists. Otherwise
     * adds an error and returns empty.
     */
    public Optional<UUID> check(InputErrors errors, NodeType type, String text, String... path) {
        Optional<GlobalId> id = parse(text);
        if (id.isEmpty()) {
            errors.add(InputErrorCode.INVALID, "This is not an ID of this service.", path);
            return Optional.empty();
        }
        Optional<UUID> uuid = id.get().of(type);
        if (uuid.isEmpty()) {
            addNotFound(errors, type, path);
        }
        return uuid;
    }

    /** For mutations: returns the object with that ID. If there is none, adds an error and returns empty. */
    public <T> Optional<T> find(
            Function<UUID, Optional<T>> finder, InputErrors errors, NodeType type, String text, String... path) {
        Optional<UUID> uuid = check(errors, type, text, path);
        Optional<T> found = uuid.flatMap(finder);
        if (uuid.isPresent() && found.isEmpty()) {
            addNotFound(errors, type, path);
        }
        return found;
    }

    public static void addNotFound(InputErrors errors, NodeType type, String... path) {
        errors.add(InputErrorCode.NOT_FOUND, "There is no " + type.typeName() + " with this ID.", path);
    }
}
