package reference;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.nio.ByteBuffer;
import java.security.GeneralSecurityException;
import java.util.Arrays;
import java.util.Base64;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.springframework.stereotype.Component;

/** Encodes cursors as the service does, so that both get the same requests and return the same responses. */
@Component
class Cursors {
    private static final byte VERSION = 1;
    private static final int SIGNATURE_BYTES = 9;
    private static final byte[] ORDERING = "Query.users CREATED_AT ASC\0".getBytes(UTF_8);

    private final SecretKeySpec key;

    Cursors(UserRepository users) {
        key = new SecretKeySpec(users.findCursorKey(), "HmacSHA256");
    }

    String encode(User user) {
        byte[] keys = (user.createdAt() + "\0" + user.uuid()).getBytes(UTF_8);
        byte[] cursor = ByteBuffer.allocate(1 + SIGNATURE_BYTES + keys.length)
                .put(VERSION)
                .put(sign(keys))
                .put(keys)
                .array();
        return Base64.getUrlEncoder().withoutPadding().encodeToString(cursor);
    }

    /** Returns the time of creation and the UUID. */
    String[] decode(String cursor) {
        byte[] bytes = Base64.getUrlDecoder().decode(cursor);
        byte[] keys = Arrays.copyOfRange(bytes, 1 + SIGNATURE_BYTES, bytes.length);
        if (!Arrays.equals(bytes, 1, 1 + SIGNATURE_BYTES, sign(keys), 0, SIGNATURE_BYTES)) {
            throw new IllegalArgumentException("Not a cursor of this list");
        }
        return new String(keys, UTF_8).split("\0");
    }

    private byte[] sign(byte[] keys) {
        try {
            Mac mac = Mac.getInstance("HmacSHA256");
            mac.init(key);
            mac.update(VERSION);
            mac.update(ORDERING);
            return Arrays.copyOf(mac.doFinal(keys), SIGNATURE_BYTES);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }
}
