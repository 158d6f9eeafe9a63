package dev.userdirectory.input;

import java.net.IDN;
import java.net.Inet4Address;
import java.net.Inet6Address;
import java.text.Normalizer;
import java.util.function.IntPredicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** The rules for text. Methods named {@code …Problem} return what is wrong, or null. Lengths are in code points. */
public final class Text {
    private static final int MAX_NAME = 200;
    private static final int MAX_EMAIL = 254;
    /** As long as the longest name. */
    private static final int MAX_SEARCH = MAX_NAME;

    /** Unicode's Default_Ignorable_Code_Points, for which Java's regular expressions have no name. */
    private static final String IGNORABLE =
            "\\u00ad\\u034f\\u061c\\u115f\\u1160\\u17b4\\u17b5\\u180b-\\u180f\\u200b-\\u200f"
                    + "\\u202a-\\u202e\\u2060-\\u206f\\u3164\\ufe00-\\ufe0f\\ufeff\\uffa0\\ufff0-\\ufff8"
                    + "\\x{1bca0}-\\x{1bca3}\\x{1d173}-\\x{1d17a}\\x{e0000}-\\x{e0fff}";

    /** Look blank, though Unicode counts them as letters, marks or symbols: Braille, Egyptian, Khitan, a notehead. */
    private static final String BLANK = "\\u2800\\x{13441}\\x{13442}\\x{16fe4}\\x{1d159}";

    private static final Pattern VISIBLE =
            Pattern.compile("[^\\s\\p{Z}\\p{Cc}\\p{Cf}\\p{Cs}" + IGNORABLE + BLANK + "]");

    // RFC 5321 4.1.2, with the characters that RFC 6532 adds. Possessive quantifiers, so that nothing is matched twice.
    private static final String NON_ASCII = "[^\\p{ASCII}\\p{C}\\p{Z}" + IGNORABLE + BLANK + "]";
    private static final String WORD = "(?:(?:[a-zA-Z0-9!#$%&'*+/=?^_`{|}~-]|" + NON_ASCII + ")++"
            + "|\"(?:[ -~&&[^\"\\\\]]|\\\\[\"\\\\]|" + NON_ASCII + ")++\")";
    private static final Pattern ADDRESS =
            Pattern.compile("(?<local>" + WORD + "(?:\\." + WORD + ")*+)@(?<domain>[^@]++)");
    private static final Pattern ADDRESS_LITERAL =
            Pattern.compile("\\[(?:(?<ipv4>\\d{1,3}(?:\\.\\d{1,3}){3})|IPv6:(?<ipv6>[\\p{XDigit}:.]+))]");
    /** Neither symbols nor labels that start with a combining mark. */
    private static final Pattern DOMAIN = Pattern.compile(
            "(?:(?!\\p{M})[[\\p{L}\\p{M}\\p{N}_-]&&[^" + IGNORABLE + BLANK + "]]++(?:\\.|$))++(?<!\\.)");

    private static final Pattern ASCII_DOMAIN = Pattern.compile("(?:(?!-)[\\w-]{1,63}+(?<!-)(?:\\.|$))++");

    private Text() {}

    /** A name is checked as it will be stored, {@linkplain String#strip() stripped}. */
    public static @Nullable String nameProblem(@Nullable String name) {
        if (name == null) {
            return "A name cannot be null.";
        }
        String stripped = name.strip();
        if (stripped.isEmpty() || length(stripped) > MAX_NAME) {
            return "A name has 1 to 200 characters.";
        }
        if (!VISIBLE.matcher(stripped).find()) {
            return "A name has at least one visible character.";
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
        if (isLongerThanAnyEmail(email)) {
            return "An e-mail address has at most 254 characters.";
        }
        return isAddress(email) ? null : "This is not an e-mail address.";
    }

    public static boolean isLongerThanAnyEmail(String text) {
        return length(text) > MAX_EMAIL;
    }

    private static boolean isAddress(String email) {
        Matcher address = ADDRESS.matcher(email);
        if (!address.matches() || length(address.group("local")) > 64) {
            return false;
        }
        String domain = address.group("domain");
        return domain.startsWith("[") ? isAddressLiteral(domain) : isDomain(domain);
    }

    private static boolean isAddressLiteral(String domain) {
        Matcher literal = ADDRESS_LITERAL.matcher(domain);
        if (!literal.matches()) {
            return false;
        }
        try {
            if (literal.group("ipv4") != null) {
                Inet4Address.ofLiteral(literal.group("ipv4"));
            } else {
                Inet6Address.ofLiteral(literal.group("ipv6"));
            }
            return true;
        } catch (IllegalArgumentException e) {
            return false;
        }
    }

    /** The domain is checked as given and as Unicode maps it: some letters map to symbols that no host name has. */
    private static boolean isDomain(String domain) {
        String mapped = Normalizer.normalize(domain, Normalizer.Form.NFKC);
        if (!DOMAIN.matcher(domain).matches() || !DOMAIN.matcher(mapped).matches()) {
            return false;
        }
        try {
            // The JDK knows Unicode 3.2. Newer characters count as letters without a case, which is right for lengths.
            String ascii = IDN.toASCII(mapped, IDN.ALLOW_UNASSIGNED);
            return ascii.length() <= 253 && ASCII_DOMAIN.matcher(ascii).matches();
        } catch (IllegalArgumentException e) {
            return false;
        }
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

    /** @throws BadUserInput if the text is too long, or has a control character or half a surrogate pair */
    public static String searchable(String argument, String text) {
        checkLength(argument, text, MAX_EMAIL);
        if (contains(text, Text::isControl)) {
            throw new BadUserInput(argument, "must not contain control characters.");
        }
        return text;
    }

    /** Returns a LIKE pattern for folded texts that contain the folded {@code text}, with its wildcards escaped. */
    public static String containing(String argument, String text) {
        checkLength(argument, text, MAX_SEARCH);
        return "%" + folded(searchable(argument, text)).replaceAll("[%_\\\\]", "\\\\$0") + "%";
    }

    /** Returns the same as {@code folded} in the database, which PostgreSQL would call for each row. */
    static String folded(String text) {
        StringBuilder folded = new StringBuilder(text.length());
        Normalizer.normalize(text, Normalizer.Form.NFC)
                .codePoints()
                .map(Text::folded)
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

    /** @throws BadUserInput if the text is longer than any stored one, and would only keep PostgreSQL busy */
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

    /** Includes half a surrogate pair, which is not a character and has no UTF-8. */
    private static boolean isControl(int c) {
        return Character.isISOControl(c) || (c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE);
    }
}
