package dev.userdirectory.token;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.KeySourceException;
import com.nimbusds.jose.proc.JWSKeySelector;
import com.nimbusds.jose.proc.SecurityContext;
import com.nimbusds.jose.util.Base64URL;
import dev.userdirectory.graphql.limit.Weight;
import java.security.Key;
import java.text.ParseException;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.security.authentication.AuthenticationManager;
import org.springframework.security.core.Authentication;
import org.springframework.security.core.GrantedAuthority;
import org.springframework.security.oauth2.jwt.Jwt;
import org.springframework.security.oauth2.server.resource.authentication.BearerTokenAuthenticationToken;
import org.springframework.security.oauth2.server.resource.authentication.JwtAuthenticationToken;
import org.springframework.util.unit.DataSize;

/**
 * Caches verified tokens, so that a signature is not checked again for each request; the least used are evicted first.
 * A cached token is valid until it expires, as long as the same keys are trusted. The trusted keys are looked up each
 * time, as for an unknown token.
 */
class VerifiedTokens implements AuthenticationManager {
    private final AuthenticationManager verifier;
    private final JWSKeySelector<SecurityContext> keys;
    private final Cache<String, Seen> seen;

    /**
     * @param keys the keys that were trusted when the token was first seen; one of them signed it, if
     *     {@code authentication} is set
     * @param authentication null until the token has been verified a second time. The keys are looked up after the
     *     first verification, which may have used keys that were replaced in between. The second one begins only while
     *     these keys are trusted
     */
    private record Seen(
            JWSHeader header,
            List<? extends Key> keys,
            @Nullable JwtAuthenticationToken authentication) {
        private static final int CONSTANT = 1000;

        /** Includes the parsed claims, whose many small objects take several times the memory of their text. */
        long bytes(String token) {
            long bytes = CONSTANT + Weight.of(token) + Weight.ofJson(header.toJSONObject()) + 40L * keys.size();
            if (authentication != null) {
                Jwt jwt = authentication.getToken();
                bytes += Weight.ofJson(jwt.getClaims()) + Weight.ofJson(jwt.getHeaders());
                for (GrantedAuthority authority : authentication.getAuthorities()) {
                    bytes += Weight.OBJECT + Weight.of(authority.getAuthority());
                }
            }
            return bytes;
        }
    }

    VerifiedTokens(AuthenticationManager verifier, JWSKeySelector<SecurityContext> keys, DataSize memory) {
        this.verifier = verifier;
        this.keys = keys;
        seen = Caffeine.newBuilder()
                .maximumWeight(memory.toBytes())
                .<String, Seen>weigher((token, found) -> Weight.sum(Weight.ENTRY + found.bytes(token)))
                // Waking another thread costs more than the maintenance.
                .executor(Runnable::run)
                .build();
    }

    @Override
    public Authentication authenticate(Authentication authentication) {
        if (!(authentication instanceof BearerTokenAuthenticationToken bearer)) {
            return verifier.authenticate(authentication);
        }
        String token = bearer.getToken();
        Seen before = seen.getIfPresent(token);
        if (before != null && !before.keys.equals(trusted(before.header))) {
            before = null;
        }
        if (before != null && before.authentication != null && !isOver(before.authentication.getToken())) {
            return before.authentication;
        }
        Authentication verified = verifier.authenticate(authentication);
        if (verified instanceof JwtAuthenticationToken jwt) {
            if (before == null) {
                note(token);
            } else {
                seen.put(token, new Seen(before.header, before.keys, jwt));
            }
        }
        return verified;
    }

    private static boolean isOver(Jwt token) {
        Instant end = token.getExpiresAt();
        return end == null || !Instant.now().isBefore(end);
    }

    private void note(String token) {
        try {
            JWSHeader header = JWSHeader.parse(new Base64URL(token.substring(0, token.indexOf('.'))));
            List<? extends Key> trusted = trusted(header);
            if (trusted != null) {
                seen.put(token, new Seen(header, trusted, null));
            }
        } catch (ParseException e) {
            throw new IllegalStateException("The verifier has parsed it", e);
        }
    }

    private @Nullable List<? extends Key> trusted(JWSHeader header) {
        try {
            return keys.selectJWSKeys(header, null);
        } catch (KeySourceException e) {
            return null;
        }
    }
}
