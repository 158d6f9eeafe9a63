package dev.userdirectory.token;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.jwk.JWK;
import com.nimbusds.jose.jwk.RSAKey;
import com.nimbusds.jose.jwk.gen.RSAKeyGenerator;
import dev.userdirectory.Tokens;
import dev.userdirectory.Waiting;
import dev.userdirectory.graphql.scope.DeniedAccess;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;
import java.time.Instant;
import java.util.Date;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.security.authentication.AuthenticationManager;
import org.springframework.security.oauth2.core.OAuth2AuthenticationException;
import org.springframework.security.oauth2.server.resource.BearerTokenError;
import org.springframework.security.oauth2.server.resource.authentication.BearerTokenAuthenticationToken;

/** The keys of an issuer whose endpoint becomes unavailable. */
class IssuerKeysTest {
    private static final RSAKey OLD = rsa("old");
    private static final RSAKey NEW = rsa("new");

    private final TestIssuer issuer = new TestIssuer(OLD.toPublicJWK());

    @AfterEach
    void stopIssuer() {
        issuer.close();
    }

    @Test
    void acceptsNewKeyWithoutRestart() {
        issuer.start();
        trustingIssuer(tokens -> {
            authenticate(tokens, OLD);
            issuer.rotateTo(OLD.toPublicJWK(), NEW.toPublicJWK());
            authenticate(tokens, NEW);
            authenticate(tokens, OLD);
        });
    }

    @Test
    void rejectsKeyThatTheIssuerHasWithdrawn() {
        issuer.start();
        trustingIssuer(tokens -> {
            authenticate(tokens, OLD);
            issuer.rotateTo(NEW.toPublicJWK());
            authenticate(tokens, NEW);
            assertRefused(() -> authenticate(tokens, OLD), 401);
        });
    }

    /** The token has been verified often enough to be cached. */
    @Test
    void rejectsCachedTokenWhoseKeyTheIssuerHasWithdrawn() {
        issuer.start();
        trustingIssuer(tokens -> {
            String token = Tokens.sign(Tokens.claims().issuer(issuer.uri()).build(), JWSAlgorithm.RS256, OLD);
            for (int i = 0; i < 3; i++) {
                tokens.authenticate(new BearerTokenAuthenticationToken(token));
            }
            issuer.rotateTo(NEW.toPublicJWK());
            authenticate(tokens, NEW);
            assertRefused(() -> tokens.authenticate(new BearerTokenAuthenticationToken(token)), 401);
        });
    }

    @Test
    void rejectsCachedTokenThatHasExpired() {
        issuer.start();
        trustingIssuer(tokens -> {
            authenticate(tokens, OLD); // fetches the keys
            Instant end = Instant.now().plusSeconds(6);
            String token = Tokens.sign(
                    Tokens.claims()
                            .issuer(issuer.uri())
                            .expirationTime(Date.from(end))
                            .build(),
                    JWSAlgorithm.RS256,
                    OLD);
            for (int i = 0; i < 3; i++) {
                tokens.authenticate(new BearerTokenAuthenticationToken(token));
            }
            Waiting.until(() -> Instant.now().isAfter(end));
            assertRefused(() -> tokens.authenticate(new BearerTokenAuthenticationToken(token)), 401);
        });
    }

    @Test
    void startsWhileTheIssuerIsDown() {
        trustingIssuer(tokens -> {
            assertRefused(() -> authenticate(tokens, OLD), 503);
            issuer.start();
            Awaitility.await()
                    .atMost(Duration.ofMinutes(1))
                    .ignoreExceptions()
                    .untilAsserted(() -> authenticate(tokens, OLD));
        });
    }

    @Test
    void usesCachedKeysWhileTheIssuerIsDown() {
        issuer.start();
        trustingIssuer(tokens -> {
            authenticate(tokens, OLD);
            issuer.stop();
            assertRefused(() -> authenticate(tokens, NEW), 401);
            authenticate(tokens, OLD);
        });
    }

    /** Only requests with an unknown key wait for the issuer. */
    @Test
    void usesCachedKeysWithoutDelayWhileTheIssuerHangs() {
        issuer.start();
        trusting("jwk-set-uri=" + issuer.uri() + "/keys", tokens -> {
            authenticate(tokens, OLD);
            issuer.hang();

            // On a busy machine, the request for the unknown key may give up first.
            Waiting.until(() -> isCachedKeyUsedWhileAnotherIsAsked(tokens));
        });
    }

    private boolean isCachedKeyUsedWhileAnotherIsAsked(AuthenticationManager tokens) {
        int asked = issuer.keyRequests();
        CompletableFuture<Void> unknown =
                CompletableFuture.runAsync(() -> assertRefused(() -> authenticate(tokens, NEW), 401));
        boolean asks = Waiting.briefly(() -> issuer.keyRequests() > asked);
        authenticate(tokens, OLD);
        boolean stillAsks = asks && !unknown.isDone();
        unknown.join();
        return stillAsks;
    }

    @Test
    void limitsKeyRequestsForUnknownKeys() {
        issuer.start();
        Instant start = Instant.now();
        trustingIssuer(tokens -> {
            authenticate(tokens, OLD);
            IntStream.range(0, 200).parallel().forEach(i -> {
                RSAKey unknown = new RSAKey.Builder(NEW).keyID("unknown-" + i).build();
                assertRefused(() -> authenticate(tokens, unknown), 401);
            });
            authenticate(tokens, OLD);
        });

        assertAskedTwiceInAnInterval(start);
    }

    @Test
    void limitsKeyRequestsWhileTheIssuerHasNoKeys() {
        issuer.start();
        issuer.rotateTo();
        Instant start = Instant.now();
        trusting("jwk-set-uri=" + issuer.uri() + "/keys", tokens -> {
            for (int i = 0; i < 50; i++) {
                assertRefused(() -> authenticate(tokens, OLD), 401);
            }
        });

        assertAskedTwiceInAnInterval(start);
    }

    private void assertAskedTwiceInAnInterval(Instant start) {
        long intervals = 1 + Duration.between(start, Instant.now()).dividedBy(IssuerKeys.ASK_INTERVAL);
        assertThat(issuer.keyRequests()).isBetween(1, (int) (2 * intervals));
    }

    @Test
    void acceptsJwkSetUriWithoutDiscovery() {
        issuer.start();
        trusting("jwk-set-uri=" + issuer.uri() + "/keys", tokens -> authenticate(tokens, OLD));
    }

    @Test
    void rejectsMetadataOfAnotherIssuer() {
        issuer.start();
        String other = issuer.uri().replace("localhost", "127.0.0.1");
        trusting("issuer-uri=" + other, tokens -> assertRefused(() -> authenticate(tokens, OLD), 503));

        assertThat(issuer.keyRequests()).isZero();
    }

    private void trustingIssuer(Consumer<AuthenticationManager> test) {
        trusting("issuer-uri=" + issuer.uri(), test);
    }

    private static void trusting(String setting, Consumer<AuthenticationManager> test) {
        new ApplicationContextRunner()
                .withUserConfiguration(TokenConfiguration.class, DeniedAccess.class)
                .withBean(SimpleMeterRegistry.class)
                .withPropertyValues(
                        "spring.security.oauth2.resourceserver.jwt." + setting,
                        "spring.security.oauth2.resourceserver.jwt.jws-algorithms=RS256,ES256")
                .run(context -> test.accept(context.getBean(AuthenticationManager.class)));
    }

    private void authenticate(AuthenticationManager tokens, JWK key) {
        String token = Tokens.sign(Tokens.claims().issuer(issuer.uri()).build(), JWSAlgorithm.RS256, key);
        assertThat(tokens.authenticate(new BearerTokenAuthenticationToken(token))
                        .isAuthenticated())
                .isTrue();
    }

    private static void assertRefused(ThrowingCallable call, int status) {
        assertThatThrownBy(call)
                .isInstanceOfSatisfying(
                        OAuth2AuthenticationException.class,
                        e -> assertThat(
                                        e.getError() instanceof BearerTokenError error
                                                ? error.getHttpStatus().value()
                                                : 401)
                                .isEqualTo(status));
    }

    private static RSAKey rsa(String id) {
        try {
            return new RSAKeyGenerator(2048).keyID(id).generate();
        } catch (JOSEException e) {
            throw new AssertionError(e);
        }
    }
}
