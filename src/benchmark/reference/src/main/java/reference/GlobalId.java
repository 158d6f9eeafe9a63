package reference;

import java.nio.ByteBuffer;
import java.util.Base64;
import java.util.UUID;

/** Encodes IDs as the service does, so that both get the same requests. */
final class GlobalId {
    private GlobalId() {}

    static String encode(char type, UUID id) {
        byte[] bytes = ByteBuffer.allocate(17)
                .put((byte) type)
                .putLong(id.getMostSignificantBits())
                .putLong(id.getLeastSignificantBits())
                .array();
        return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
    }

    static UUID decode(String id) {
        ByteBuffer bytes = ByteBuffer.wrap(Base64.getUrlDecoder().decode(id), 1, 16);
        return new UUID(bytes.getLong(), bytes.getLong());
    }
}
