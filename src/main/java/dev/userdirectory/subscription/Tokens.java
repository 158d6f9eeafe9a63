package dev.userdirectory.subscription;

import java.time.Duration;
import java.time.Instant;
import org.jspecify.annotations.Nullable;
import org.springframework.security.core.Authentication;
import org.springframework.security.oauth2.core.OAuth2Token;

/** Tells how long a token is still valid, since a subscription may outlive its token. */
final class Tokens {
    private static final Duration LONGEST = Duration.ofDays(36_500);

    private Tokens() {}

    /** Returns null if there is no token, or if it is valid for longer than a timer can run. */
    static @Nullable Duration timeLeft(@Nullable Authentication authentication) {
        if (authentication == null
                || !(authentication.getCredentials() instanceof OAuth2Token token)
                || token.getExpiresAt() == null) {
            return null;
        }
        Duration left = Duration.between(Instant.now(), token.getExpiresAt());
        return left.compareTo(LONGEST) < 0 ? left : null;
    }
}
