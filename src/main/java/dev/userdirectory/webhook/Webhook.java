package dev.userdirectory.webhook;

import dev.userdirectory.generated.types.DirectoryEventType;
import java.net.URI;
import java.net.URISyntaxException;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * An endpoint that receives events.
 *
 * @param name identifies it in the database and in metrics, so its URL can change
 * @param secret one, or several while they are rotated: each signs the messages
 * @param types the types of events it receives; all types if empty
 * @param source CloudEvents' {@code source}
 * @param timeout how long an attempt may take, with the whole response
 * @param maxDelay the longest pause between two attempts
 */
record Webhook(
        @DefaultValue("") String name,
        @DefaultValue("") String url,
        @DefaultValue List<String> secret,
        @DefaultValue Set<DirectoryEventType> types,
        @DefaultValue("user-directory") String source,
        @DefaultValue("10s") Duration timeout,
        @DefaultValue("5m") Duration maxDelay) {
    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9._-]{1,100}");
    /** A longer attempt would look like a thread that hangs. */
    private static final Duration LONGEST_TIMEOUT = Duration.ofSeconds(30);

    private static final Duration LONGEST_DELAY = Duration.ofDays(1);

    /** @throws IllegalArgumentException naming the property that is wrong, but not a secret */
    void check(String property) {
        require(
                NAME.matcher(name).matches(),
                property + ".name must have 1 to 100 letters, digits, dots, hyphens or underscores, not: " + name);
        require(isUrl(url), property + ".url must be an absolute http or https URL without user name or fragment");
        require(!secret.isEmpty(), property + ".secret must be set");
        secret.forEach(each -> require(
                Signature.isSecret(each),
                property + ".secret must be whsec_ and 24 to 64 bytes in base64. Several are separated by commas"));
        require(
                isReference(source),
                property + ".source must be a URI or a relative reference, such as user-directory");
        requireWithin(timeout, LONGEST_TIMEOUT, property + ".timeout");
        requireWithin(maxDelay, LONGEST_DELAY, property + ".max-delay");
    }

    /** CloudEvents demands a non-empty URI-reference. */
    private static boolean isReference(String source) {
        try {
            return !new URI(source).toString().isEmpty();
        } catch (URISyntaxException e) {
            return false;
        }
    }

    private static boolean isUrl(String url) {
        try {
            URI uri = new URI(url);
            return ("http".equals(uri.getScheme()) || "https".equals(uri.getScheme()))
                    && uri.getHost() != null
                    && uri.getUserInfo() == null
                    && uri.getFragment() == null;
        } catch (URISyntaxException e) {
            return false;
        }
    }

    private static void requireWithin(Duration value, Duration longest, String property) {
        require(
                value.toMillis() > 0 && value.compareTo(longest) <= 0,
                property + " must be longer than 0 and at most " + longest.toSeconds() + "s, not " + value);
    }

    private static void require(boolean condition, String message) {
        if (!condition) {
            throw new IllegalArgumentException(message);
        }
    }
}
