package dev.userdirectory.token;

import static org.assertj.core.api.Assertions.assertThat;

import dev.userdirectory.Tokens;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import javax.crypto.spec.SecretKeySpec;
import org.junit.jupiter.api.Test;
import org.springframework.security.core.Authentication;
import org.springframework.security.oauth2.jwt.Jwt;
import org.springframework.security.oauth2.server.resource.authentication.BearerTokenAuthenticationToken;
import org.springframework.security.oauth2.server.resource.authentication.JwtAuthenticationToken;
import org.springframework.util.unit.DataSize;

class VerifiedTokensTest {
    private final AtomicInteger verifications = new AtomicInteger();
    private List<SecretKeySpec> trusted = List.of(new SecretKeySpec(new byte[32], "HmacSHA256"));
    private final VerifiedTokens tokens =
            new VerifiedTokens(this::verify, (header, context) -> trusted, DataSize.ofMegabytes(1));
    private final Authentication token = new BearerTokenAuthenticationToken(Tokens.withScopes("users:read"));

    private Authentication verify(Authentication authentication) {
        verifications.incrementAndGet();
        String token = ((BearerTokenAuthenticationToken) authentication).getToken();
        return new JwtAuthenticationToken(new Jwt(
                token, Instant.now(), Instant.now().plusSeconds(60), Map.of("alg", "RS256"), Map.of("sub", "a")));
    }

    /** Twice, since only the second verification knows which keys were trusted before. */
    @Test
    void verifiesNoMoreThanTwice() {
        for (int i = 0; i < 5; i++) {
            assertThat(tokens.authenticate(token).getName()).isEqualTo("a");
        }

        assertThat(verifications).hasValue(2);
    }

    @Test
    void verifiesTokenAgainAfterTrustedKeysChange() {
        for (int i = 0; i < 5; i++) {
            tokens.authenticate(token);
        }
        byte[] another = {1};
        trusted = List.of(new SecretKeySpec(another, "HmacSHA256"));

        tokens.authenticate(token);

        assertThat(verifications).hasValue(3);
    }
}
