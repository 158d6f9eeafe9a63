package dev.userdirectory.user;

import dev.userdirectory.input.Characters;
import java.net.IDN;
import java.net.Inet4Address;
import java.net.Inet6Address;
import java.text.Normalizer;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.hibernate.exception.ConstraintViolationException;
import org.jspecify.annotations.Nullable;
import org.springframework.dao.DataIntegrityViolationException;

/** The rules for e-mail addresses. */
public final class EmailAddress {
    static final int MAX_LENGTH = 254;
    private static final int MAX_DOMAIN = 253;
    private static final int MAX_LABEL = 63;

    // RFC 5321 4.1.2, with the characters that RFC 6532 adds. Possessive quantifiers prevent backtracking.
    private static final String NON_ASCII = "[^\\p{ASCII}\\p{C}\\p{Z}" + Characters.INVISIBLE + "]";
    private static final String WORD = "(?:(?:[a-zA-Z0-9!#$%&'*+/=?^_`{|}~-]|" + NON_ASCII + ")++"
            + "|\"(?:[ -~&&[^\"\\\\]]|\\\\[\"\\\\]|" + NON_ASCII + ")++\")";
    private static final Pattern ADDRESS =
            Pattern.compile("(?<local>" + WORD + "(?:\\." + WORD + ")*+)@(?<domain>[^@]++)");
    private static final Pattern ADDRESS_LITERAL =
            Pattern.compile("\\[(?:(?<ipv4>\\d{1,3}(?:\\.\\d{1,3}){3})|IPv6:(?<ipv6>[\\p{XDigit}:.]+))]");
    /** Excludes symbols, and labels that start with a combining mark. */
    private static final Pattern DOMAIN = Pattern.compile(
            "(?:(?!\\p{M})[[\\p{L}\\p{M}\\p{N}_-]&&[^" + Characters.INVISIBLE + "]]++(?:\\.|$))++(?<!\\.)");

    private static final Pattern LABEL_END = Pattern.compile("[.。]");
    private static final Pattern ASCII_DOMAIN = Pattern.compile("(?:(?!-)[\\w-]{1,63}+(?<!-)(?:\\.|$))++");

    private static final Pattern UPPER_CASE = Pattern.compile("[A-Z]++");

    private static final Set<String> KEYS = Set.of("users_email_key_email_twin_key", "users_email_lower_key");

    private EmailAddress() {}

    /** Whether two addresses are the same, apart from the case of ASCII letters. */
    static boolean isSame(String one, String other) {
        return lowerCased(one).equals(lowerCased(other));
    }

    /** Lower-cases ASCII letters only. */
    static String lowerCased(String email) {
        return UPPER_CASE.matcher(email).replaceAll(letters -> letters.group().toLowerCase(Locale.ROOT));
    }

    /** Whether a row was not stored because another user has the address. */
    static boolean isTaken(DataIntegrityViolationException e) {
        return e.getCause() instanceof ConstraintViolationException violation
                && KEYS.contains(String.valueOf(violation.getConstraintName()));
    }

    /** Returns the problem with the address, or null. */
    public static @Nullable String problem(@Nullable String email) {
        if (email == null) {
            return "An e-mail address cannot be null.";
        }
        if (Characters.isLonger(email, MAX_LENGTH)) {
            return "An e-mail address has at most 254 characters.";
        }
        return isAddress(email) ? null : "This is not an e-mail address.";
    }

    private static boolean isAddress(String email) {
        Matcher address = ADDRESS.matcher(email);
        if (!address.matches() || Characters.length(address.group("local")) > 64) {
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
        if (!isShort(mapped)
                || !DOMAIN.matcher(domain).matches()
                || !DOMAIN.matcher(mapped).matches()) {
            return false;
        }
        try {
            // The JDK knows Unicode 3.2. Newer characters count as letters without a case, which is right for lengths.
            String ascii = IDN.toASCII(mapped, IDN.ALLOW_UNASSIGNED);
            return ascii.length() <= MAX_DOMAIN && ASCII_DOMAIN.matcher(ascii).matches();
        } catch (IllegalArgumentException e) {
            return false;
        }
    }

    /**
     * Whether nobody can have an address with this domain, because the domain is too long once Unicode has mapped it.
     * Searching for it would be slow, since one letter can be mapped to eighteen.
     */
    static boolean isDomainTooLong(String domain) {
        return !isShort(Normalizer.normalize(domain, Normalizer.Form.NFKC));
    }

    /** Checked before Punycode, which does not shorten names and is slow for long ones. */
    private static boolean isShort(String mapped) {
        return Characters.length(mapped) <= MAX_DOMAIN
                && LABEL_END.splitAsStream(mapped).allMatch(label -> Characters.length(label) <= MAX_LABEL);
    }
}
