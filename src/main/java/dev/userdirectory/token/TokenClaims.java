package dev.userdirectory.token;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.boot.security.oauth2.server.resource.autoconfigure.OAuth2ResourceServerProperties;
import org.springframework.security.core.GrantedAuthority;
import org.springframework.security.core.authority.SimpleGrantedAuthority;
import org.springframework.security.oauth2.core.DelegatingOAuth2TokenValidator;
import org.springframework.security.oauth2.core.OAuth2Error;
import org.springframework.security.oauth2.core.OAuth2TokenValidator;
import org.springframework.security.oauth2.core.OAuth2TokenValidatorResult;
import org.springframework.security.oauth2.jwt.Jwt;
import org.springframework.security.oauth2.jwt.JwtClaimNames;
import org.springframework.security.oauth2.server.resource.BearerTokenErrors;
import org.springframework.util.StringUtils;

/** Checks the claims of a verified token: its period of validity, its audience, and its scopes. */
final class TokenClaims {
    private static final Logger log = LoggerFactory.getLogger(TokenClaims.class);
    /** How far the issuer's clock may be ahead of ours. Expired tokens get no such tolerance. */
    private static final Duration EARLY = Duration.ofSeconds(10);

    private TokenClaims() {}

    /** Spring's Jwt cannot hold a token that expires before it was issued, which should be reported as expired. */
    static Map<String, Object> withoutImpossibleIssueTime(Map<String, Object> claims) {
        if (claims.get(JwtClaimNames.EXP) instanceof Instant end
                && claims.get(JwtClaimNames.IAT) instanceof Instant start
                && !end.isAfter(start)) {
            claims.remove(JwtClaimNames.IAT);
        }
        return claims;
    }

    static OAuth2TokenValidator<Jwt> validator(OAuth2ResourceServerProperties.Jwt expected) {
        List<OAuth2TokenValidator<Jwt>> validators = new ArrayList<>();
        validators.add(refuse("Token without an expiry time", jwt -> jwt.getExpiresAt() == null));
        validators.add(refuse("Token expired", jwt -> !before(Instant.now(), jwt.getExpiresAt())));
        // RFC 9449 and RFC 8705: such a token requires proof of possession of its key, which is not checked here.
        validators.add(
                refuse("Token bound to a key, and proof of possession is not supported", jwt -> jwt.hasClaim("cnf")));
        validators.add(refuse("Token not valid yet", jwt -> before(Instant.now().plus(EARLY), jwt.getNotBefore())));
        String issuer = expected.getIssuerUri();
        if (StringUtils.hasText(issuer)) {
            validators.add(
                    refuse("Token of another issuer", jwt -> !issuer.equals(jwt.getClaimAsString(JwtClaimNames.ISS))));
        }
        List<String> audiences = expected.getAudiences();
        if (audiences.isEmpty()) {
            if (StringUtils.hasText(issuer)) {
                log.warn(
                        "Tokens that the issuer issues for other services are accepted, too: set {}audiences",
                        TokenKeys.SPRING);
            }
        } else {
            validators.add(refuse(
                    "Token for another audience",
                    jwt -> jwt.getAudience() == null || Collections.disjoint(jwt.getAudience(), audiences)));
        }
        return new DelegatingOAuth2TokenValidator<>(validators);
    }

    private static boolean before(Instant time, @Nullable Instant other) {
        return other != null && time.isBefore(other);
    }

    private static OAuth2TokenValidator<Jwt> refuse(String message, Predicate<Jwt> condition) {
        OAuth2Error error = BearerTokenErrors.invalidToken(message);
        return jwt ->
                condition.test(jwt) ? OAuth2TokenValidatorResult.failure(error) : OAuth2TokenValidatorResult.success();
    }

    /**
     * The scopes in {@code scope} and {@code scp} together. Each claim may be a text or a list; anything but text is
     * ignored.
     */
    static Collection<GrantedAuthority> scopes(Jwt token) {
        return Stream.of("scope", "scp")
                .map(token.getClaims()::get)
                .flatMap(claim -> claim instanceof Collection<?> list ? list.stream() : Stream.ofNullable(claim))
                .filter(String.class::isInstance)
                .flatMap(text -> Stream.of(StringUtils.delimitedListToStringArray((String) text, " ")))
                .filter(scope -> !scope.isBlank())
                .distinct()
                .<GrantedAuthority>map(scope -> new SimpleGrantedAuthority("SCOPE_" + scope))
                .toList();
    }
}
