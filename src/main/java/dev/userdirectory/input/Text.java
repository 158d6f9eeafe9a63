package dev.userdirectory.input;

import jakarta.validation.Validation;
import jakarta.validation.Validator;
import jakarta.validation.constraints.Email;
import java.util.function.IntPredicate;
import org.jspecify.annotations.Nullable;

/** The rules for text. Each returns what is wrong with a value as a sentence, or null; lengths are in code points. */
public final class Text {
    private static final Validator VALIDATOR =
            Validation.buildDefaultValidatorFactory().getValidator();
    private static final int MAX_NAME = 200;
    private static final int MAX_EMAIL = 254;
    /** As long as the longest name. */
    private static final int MAX_SEARCH = MAX_NAME;

    private Text() {}

    /** A name is checked as it will be stored, {@linkplain String#strip() stripped}. */
    public static @Nullable String nameProblem(@Nullable String name) {
        if (name == null) {
            return "A name cannot be null.";
        }
        String stripped = name.strip();
        // No-break spaces are nothing that strip() takes away.
        if (stripped.codePoints().allMatch(Character::isSpaceChar) || length(stripped) > MAX_NAME) {
            return "A name has 1 to 200 characters.";
        }
        if (contains(stripped, Text::isControl)) {
            return "A name has no control characters.";
        }
        return null;
    }

    public static @Nullable String emailProblem(@Nullable String email) {
        if (email == null) {
            return "An e-mail address cannot be null.";
        }
        if (length(email) > MAX_EMAIL) {
            return "An e-mail address has at most 254 characters.";
        }
        if (!VALIDATOR.validateValue(Address.class, "email", email).isEmpty()) {
            return "This is not an e-mail address.";
        }
        return null;
    }

    public static @Nullable String descriptionProblem(@Nullable String description) {
        if (description == null) {
            return null;
        }
        if (length(description) > 2000) {
            return "A description has at most 2,000 characters.";
        }
        if (contains(description, c -> isControl(c) && c != '\n' && c != '\r' && c != '\t')) {
            return "A description has no control characters but line breaks and tabs.";
        }
        return null;
    }

    /** @throws BadUserInput if nothing stored can hold that text: a control character or half a surrogate pair */
    public static String searchable(String argument, String text) {
        checkLength(argument, text, MAX_EMAIL);
        if (contains(text, Text::isControl)) {
            throw new BadUserInput(argument, "must not contain control characters.");
        }
        return text;
    }

    /** A LIKE pattern, not yet lower-cased, for what contains the text; what LIKE takes for special is escaped. */
    public static String containing(String argument, String text) {
        checkLength(argument, text, MAX_SEARCH);
        return "%" + searchable(argument, text).replaceAll("[%_\\\\]", "\\\\$0") + "%";
    }

    /** @throws BadUserInput if the text, which nothing stored can equal or contain, would only keep PostgreSQL busy */
    private static void checkLength(String argument, String text, int limit) {
        int length = length(text);
        if (length > limit) {
            throw new BadUserInput(argument, "has at most %,d characters, not %,d.".formatted(limit, length));
        }
    }

    private static int length(String text) {
        return text.codePointCount(0, text.length());
    }

    private static boolean contains(String text, IntPredicate characters) {
        return text.codePoints().anyMatch(characters);
    }

    /** Half a surrogate pair is no character at all: it has no UTF-8. */
    private static boolean isControl(int c) {
        return Character.isISOControl(c) || (c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE);
    }

    /**
     * Bean Validation's syntax, narrowed: it lets pass marks that nobody sees, by which two addresses could read as one,
     * and signs that no host's name has.
     */
    private record Address(
            @Email(regexp = "([^\\p{C}\\p{Z}]| )+@[\\p{L}\\p{M}\\p{N}.:_\\[\\]-]+")
            String email) {}
}
