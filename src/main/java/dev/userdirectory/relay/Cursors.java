package dev.userdirectory.relay;

import dev.userdirectory.input.BadUserInput;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.stereotype.Component;

/**
 * Encodes cursors: the keys of a row, signed. The signature covers the name of the ordering, so a cursor is valid only
 * for the connection and the order that it came from.
 */
@Component
public class Cursors {
    private static final byte VERSION = 1;
    private static final int SIGNATURE_BYTES = 9;
    /** A nested connection decodes its cursor once for each parent and alias, so a long one would be expensive. */
    private static final int MAX_LENGTH = 4000;
    // Text in PostgreSQL cannot contain this character.
    private static final String SEPARATOR = "\0";

    /** Holds the key. Each signature uses a clone, which is cheaper than looking up the algorithm. */
    private final Mac prototype;

    Cursors(JdbcTemplate jdbc) {
        byte[] bytes = jdbc.queryForObject("select key from cursor_keys", byte[].class);
        if (bytes == null) {
            throw new IllegalStateException("cursor_keys has no key");
        }
        try {
            prototype = Mac.getInstance("HmacSHA256");
            prototype.init(new SecretKeySpec(bytes, "HmacSHA256"));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("HmacSHA256 is part of every JDK", e);
        }
    }

    /** @param keys values whose {@code toString} PostgreSQL accepts for the type of each key */
    public String encode(String ordering, Object... keys) {
        byte[] text = Stream.of(keys)
                .map(Object::toString)
                .collect(Collectors.joining(SEPARATOR))
                .getBytes(StandardCharsets.UTF_8);
        byte[] cursor = new byte[1 + SIGNATURE_BYTES + text.length];
        cursor[0] = VERSION;
        System.arraycopy(sign(ordering, text), 0, cursor, 1, SIGNATURE_BYTES);
        System.arraycopy(text, 0, cursor, 1 + SIGNATURE_BYTES, text.length);
        return encode(cursor);
    }

    /** @throws BadUserInput naming the argument, if {@link #encode} did not make the cursor for this ordering */
    public List<String> decode(String argument, String ordering, String cursor) {
        if (cursor.length() > MAX_LENGTH) {
            throw notACursor(argument);
        }
        byte[] bytes;
        try {
            bytes = Base64.getUrlDecoder().decode(cursor);
        } catch (IllegalArgumentException e) {
            throw notACursor(argument);
        }
        // Base64 allows padding and spare bits, but only the form that we have issued is valid.
        if (bytes.length < 1 + SIGNATURE_BYTES
                || bytes[0] != VERSION
                || !encode(bytes).equals(cursor)) {
            throw notACursor(argument);
        }
        byte[] signature = Arrays.copyOfRange(bytes, 1, 1 + SIGNATURE_BYTES);
        byte[] text = Arrays.copyOfRange(bytes, 1 + SIGNATURE_BYTES, bytes.length);
        if (!MessageDigest.isEqual(signature, sign(ordering, text))) {
            throw notACursor(argument);
        }
        return List.of(new String(text, StandardCharsets.UTF_8).split(SEPARATOR, -1));
    }

    private static String encode(byte[] cursor) {
        return Base64.getUrlEncoder().withoutPadding().encodeToString(cursor);
    }

    private static BadUserInput notACursor(String argument) {
        return new BadUserInput(argument, "is not a cursor of this connection in this order.");
    }

    private byte[] sign(String ordering, byte[] text) {
        Mac mac;
        try {
            mac = (Mac) prototype.clone();
        } catch (CloneNotSupportedException e) {
            throw new IllegalStateException("HmacSHA256 of the JDK can be cloned", e);
        }
        mac.update(VERSION);
        mac.update((ordering + SEPARATOR).getBytes(StandardCharsets.UTF_8));
        return Arrays.copyOf(mac.doFinal(text), SIGNATURE_BYTES);
    }
}
