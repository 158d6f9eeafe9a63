package dev.userdirectory.subscription;

import java.time.Instant;
import org.jspecify.annotations.Nullable;
import org.springframework.security.core.Authentication;
import org.springframework.security.oauth2.core.OAuth2Token;

/** Reads the expiry of a token, since a subscription may outlive its token. */
final class Tokens {
    private Tokens() {}

    static @Nullable Instant expiry(@Nullable Authentication authentication) {
        return authentication != null && authentication.getCredentials() instanceof OAuth2Token token
                ? token.getExpiresAt()
                : null;
    }
}
