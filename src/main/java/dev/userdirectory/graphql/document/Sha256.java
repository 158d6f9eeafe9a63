package dev.userdirectory.graphql.document;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** SHA-256, by which persisted queries identify a document. */
public final class Sha256 {
    static final int HEX_LENGTH = 64;

    private Sha256() {}

    /** @return the hash of the text in UTF-8, as 64 lower-case hexadecimal digits */
    public static String hex(String text) {
        return hex(text, new byte[0]);
    }

    /** @return the hash of the text in UTF-8 followed by the bytes, none of which are copied */
    public static String hex(String text, byte[] bytes) {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            digest.update(text.getBytes(StandardCharsets.UTF_8));
            return HexFormat.of().formatHex(digest.digest(bytes));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("SHA-256 is part of every JDK", e);
        }
    }
}
