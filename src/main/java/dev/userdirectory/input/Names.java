package dev.userdirectory.input;

import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** The rules for names, which are the same for users and groups. */
public final class Names {
    public static final int MAX_LENGTH = 200;
    /** A list may repeat one name a thousand times, which costs the client nothing. */
    private static final int MAX_UNSTRIPPED = 10_000;

    private static final Pattern VISIBLE =
            Pattern.compile("[^\\s\\p{Z}\\p{Cc}\\p{Cf}\\p{Cs}" + Characters.INVISIBLE + "]");

    private Names() {}

    /** Returns the problem with the name as it will be stored, {@linkplain String#strip() stripped}, or null. */
    public static @Nullable String problem(@Nullable String name) {
        if (name == null) {
            return "A name cannot be null.";
        }
        if (name.length() > MAX_UNSTRIPPED) {
            return "A name has at most 10,000 characters, including the spaces around it.";
        }
        String stripped = name.strip();
        if (stripped.isEmpty() || Characters.isLonger(stripped, MAX_LENGTH)) {
            return "A name has 1 to 200 characters.";
        }
        if (!VISIBLE.matcher(stripped).find()) {
            return "A name has at least one visible character.";
        }
        if (Characters.contains(stripped, Characters::isControl)) {
            return "A name has no control characters.";
        }
        return null;
    }
}
