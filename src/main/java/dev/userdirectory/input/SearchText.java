package dev.userdirectory.input;

import java.text.Normalizer;

/** The rules for text in queries. */
public final class SearchText {
    private SearchText() {}

    /**
     * Checks a text, and returns it.
     *
     * @param maxLength the maximum length of a stored text; a longer text would match nothing and only keep PostgreSQL
     *     busy
     * @throws BadUserInput if the text is too long, or contains a control character or an unpaired surrogate
     */
    public static String check(String argument, String text, int maxLength) {
        int length = Characters.length(text);
        if (length > maxLength) {
            throw new BadUserInput(argument, "has at most %,d characters, not %,d.".formatted(maxLength, length));
        }
        if (Characters.contains(text, Characters::isControl)) {
            throw new BadUserInput(argument, "must not contain control characters.");
        }
        return text;
    }

    /** Returns a LIKE pattern for folded texts that contain the folded {@code text}, with its wildcards escaped. */
    public static String pattern(String argument, String text) {
        return "%" + folded(check(argument, text, Names.MAX_LENGTH)).replaceAll("[%_\\\\]", "\\\\$0") + "%";
    }

    /**
     * Folds the text like the function {@code folded} in the database, which PostgreSQL would otherwise call for each
     * row.
     */
    static String folded(String text) {
        StringBuilder folded = new StringBuilder(text.length());
        Normalizer.normalize(text, Normalizer.Form.NFC)
                .codePoints()
                .map(SearchText::folded)
                .forEach(folded::appendCodePoint);
        return Normalizer.normalize(folded, Normalizer.Form.NFC);
    }

    /** Unicode's simple case folding is the lower case of the upper case, with these exceptions. */
    private static int folded(int c) {
        int lower = Character.toLowerCase(c);
        int upper = Character.toUpperCase(lower);
        return switch (lower) {
            case 'ı' -> 'ı';
            case 'ﬅ' -> 'ﬆ';
            default ->
                Character.UnicodeScript.of(c) == Character.UnicodeScript.CHEROKEE
                        ? upper
                        : Character.toLowerCase(upper);
        };
    }
}
