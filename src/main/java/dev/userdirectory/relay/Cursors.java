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
 * Cursors: the keys of a row, signed. The signature covers the name of the ordering, so a cursor is good for the
 * connection and the order that it came from and for no other, whoever made it up.
 */
@Component
public class Cursors {
    private static final byte VERSION = 1;
    private static final int SIGNATURE_BYTES = 9;
    /** In a page's fields a long one would be decoded as often as there are parents and aliases. */
    private static final int MAX_LENGTH = 4000;
    // Text in PostgreSQL cannot contain it.
    private static final String SEPARATOR = "\0";

    /** Has the key; a clone of it signs, which is cheaper than to look the algorithm up for each cursor. */
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

    /** @param keys as text that PostgreSQL takes for the type of each */
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

    /** @throws BadUserInput if the value of that argument is not a cursor that {@link #encode} made for that ordering */
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
        // Base64 leaves room for padding and spare bits; we gave out one spelling.
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
