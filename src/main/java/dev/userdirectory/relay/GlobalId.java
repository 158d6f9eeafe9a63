package dev.userdirectory.relay;

import java.nio.ByteBuffer;
import java.util.Base64;
import java.util.Optional;
import java.util.UUID;

/** An ID that is unique across types: URL-safe base64 of a byte for the type and the 16 bytes of a UUID. */
public record GlobalId(NodeType type, UUID uuid) {
    static final int BYTES = 1 + 2 * Long.BYTES;

    /** Returns the UUID if this is an ID of that type, otherwise empty. */
    public Optional<UUID> of(NodeType type) {
        return of(type.typeName());
    }

    public Optional<UUID> of(String typeName) {
        return type.typeName().equals(typeName) ? Optional.of(uuid) : Optional.empty();
    }

    @Override
    public String toString() {
        ByteBuffer buffer = ByteBuffer.allocate(BYTES)
                .put((byte) type.tag())
                .putLong(uuid.getMostSignificantBits())
                .putLong(uuid.getLeastSignificantBits());
        return Base64.getUrlEncoder().withoutPadding().encodeToString(buffer.array());
    }
}
