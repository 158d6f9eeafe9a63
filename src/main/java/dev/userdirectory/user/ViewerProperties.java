package dev.userdirectory.user;

import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.security.oauth2.core.oidc.StandardClaimNames;

/**
 * How the user is found that a token belongs to.
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
}
