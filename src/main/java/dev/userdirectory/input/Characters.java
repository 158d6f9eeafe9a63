package dev.userdirectory.input;

import java.util.function.IntPredicate;

/** The classes of characters that the rules for text distinguish. */
public final class Characters {
    /** Unicode's Default_Ignorable_Code_Points, for which Java's regular expressions have no name. */
    private static final String IGNORABLE =
            "\\u00ad\\u034f\\u061c\\u115f\\u1160\\u17b4\\u17b5\\u180b-\\u180f\\u200b-\\u200f"
                    + "\\u202a-\\u202e\\u2060-\\u206f\\u3164\\ufe00-\\ufe0f\\ufeff\\uffa0\\ufff0-\\ufff8"
                    + "\\x{1bca0}-\\x{1bca3}\\x{1d173}-\\x{1d17a}\\x{e0000}-\\x{e0fff}";

    /**
     * Characters that look blank, though Unicode counts them as letters, marks or symbols: Braille, Egyptian, Khitan, a
     * notehead.
     */
    private static final String BLANK = "\\u2800\\x{13441}\\x{13442}\\x{16fe4}\\x{1d159}";

    /**
     * Invisible characters other than spaces and Unicode's category C, for a character class in a regular expression.
     */
    public static final String INVISIBLE = IGNORABLE + BLANK;

    private Characters() {}

    /** The length of the text in code points. */
    public static int length(String text) {
        return text.codePointCount(0, text.length());
    }

    /** Whether the text has more code points. Fast for a text that is much longer. */
    public static boolean isLonger(String text, int codePoints) {
        return text.length() > 2 * codePoints || length(text) > codePoints;
    }

    public static boolean contains(String text, IntPredicate characters) {
        return text.codePoints().anyMatch(characters);
    }

    /** Includes unpaired surrogates, which are not characters and cannot be encoded in UTF-8. */
    public static boolean isControl(int c) {
        return Character.isISOControl(c) || (c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE);
    }
}
