package dev.userdirectory.user;

import dev.userdirectory.graphql.scope.Caller;
import java.util.Optional;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.security.oauth2.core.oidc.StandardClaimNames;

/**
 * How to find the user that a token belongs to.
 *
 * @param claim the claim with the e-mail address of the user that a token belongs to; {@code email} counts only if
 *     {@code email_verified} is true, any other claim always, so choose one that callers cannot set themselves
 */
@ConfigurationProperties("directory.viewer")
record ViewerProperties(
        @DefaultValue(StandardClaimNames.EMAIL) String claim) {
    boolean needsVerification() {
        return claim.equals(StandardClaimNames.EMAIL);
    }

    /** The e-mail address that the issuer vouches for. */
    Optional<String> email(Caller caller) {
        return !needsVerification()
                        || caller.claim(StandardClaimNames.EMAIL_VERIFIED, Boolean.class)
                                .orElse(false)
                ? caller.claim(claim, String.class).filter(email -> EmailAddress.problem(email) == null)
                : Optional.empty();
    }

    /** Whether the caller's token belongs to this user. */
    boolean isUser(Caller caller, User user) {
        return email(caller).filter(user::hasEmail).isPresent();
    }
}
