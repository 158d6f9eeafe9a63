package dev.userdirectory.relay;

import dev.userdirectory.generated.types.InputErrorCode;
import dev.userdirectory.input.BadUserInput;
import dev.userdirectory.input.InputErrors;
import java.nio.ByteBuffer;
import java.util.Base64;
import java.util.Optional;
import java.util.UUID;

/** An ID that is unique across types: URL-safe base64 of a byte for the type and the 16 bytes of a UUID. */
public record GlobalId(NodeType type, UUID uuid) {
    private static final int BYTES = 1 + 2 * Long.BYTES;
    /** In base64 without padding. */
    private static final int LENGTH = (BYTES * 8 + 5) / 6;

    /** Returns empty if the text is not an ID in the one spelling that this service gives out. */
    public static Optional<GlobalId> parse(String text) {
        if (text.length() != LENGTH) {
            return Optional.empty();
        }
        byte[] bytes;
        try {
            bytes = Base64.getUrlDecoder().decode(text);
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
        if (bytes.length != BYTES) {
            return Optional.empty();
        }
        for (NodeType type : NodeType.values()) {
            if (type.tag == bytes[0]) {
                ByteBuffer buffer = ByteBuffer.wrap(bytes, 1, BYTES - 1);
                GlobalId id = new GlobalId(type, new UUID(buffer.getLong(), buffer.getLong()));
                // Base64 has spare bits at the end. Two spellings of one object would be two cache keys.
                return id.toString().equals(text) ? Optional.of(id) : Optional.empty();
            }
        }
        return Optional.empty();
    }

    /** @throws BadUserInput if the text is not an ID of this service; the error names the argument */
    public static GlobalId parse(String argument, String text) {
        return parse(text).orElseThrow(() -> new BadUserInput(argument, "is not an ID of this service."));
    }

    /**
     * For mutations: returns the UUID if the text is an ID of that type, whether or not the object exists. Otherwise
     * adds an error and returns empty.
     */
    public static Optional<UUID> check(InputErrors errors, NodeType type, String text, String... path) {
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

    public static void addNotFound(InputErrors errors, NodeType type, String... path) {
        errors.add(InputErrorCode.NOT_FOUND, "There is no " + type.typeName() + " with this ID.", path);
    }

    /** Returns the UUID if this is an ID of that type, otherwise empty. */
    public Optional<UUID> of(NodeType type) {
        return this.type == type ? Optional.of(uuid) : Optional.empty();
    }

    @Override
    public String toString() {
        ByteBuffer buffer = ByteBuffer.allocate(BYTES)
                .put((byte) type.tag)
                .putLong(uuid.getMostSignificantBits())
                .putLong(uuid.getLeastSignificantBits());
        return Base64.getUrlEncoder().withoutPadding().encodeToString(buffer.array());
    }
}
