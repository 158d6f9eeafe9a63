package dev.userdirectory.token;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.jwk.Curve;
import com.nimbusds.jose.jwk.ECKey;
import com.nimbusds.jose.jwk.JWK;
import com.nimbusds.jose.jwk.OctetSequenceKey;
import com.nimbusds.jose.jwk.RSAKey;
import com.nimbusds.jose.jwk.gen.ECKeyGenerator;
import com.nimbusds.jose.jwk.gen.RSAKeyGenerator;
import dev.userdirectory.Tokens;
import dev.userdirectory.graphql.scope.DeniedAccess;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.PublicKey;
import java.util.Base64;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.boot.diagnostics.FailureAnalysis;
import org.springframework.boot.test.context.ConfigDataApplicationContextInitializer;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.security.authentication.AuthenticationManager;
import org.springframework.security.oauth2.core.OAuth2AuthenticationException;
import org.springframework.security.oauth2.server.resource.authentication.BearerTokenAuthenticationToken;

class TokenConfigurationTest {
    private static final String JWT = "spring.security.oauth2.resourceserver.jwt.";
    private static final String SECRET = "a-secret-of-32-bytes-exactly-so!";

    private final ApplicationContextRunner application = new ApplicationContextRunner()
            .withUserConfiguration(TokenConfiguration.class, DeniedAccess.class)
            .withBean(SimpleMeterRegistry.class)
            .withInitializer(new ConfigDataApplicationContextInitializer());

    @TempDir
    Path directory;

    @Test
    void doesNotStartWithoutKeyOrIssuer() {
        assertThat(analysis())
                .satisfies(analysis -> assertThat(analysis.getDescription())
                        .isEqualTo("Nothing is set that tokens could be checked against."))
                .satisfies(analysis -> assertThat(analysis.getAction())
                        .contains(
                                JWT + "issuer-uri",
                                "jwk-set-uri",
                                "public-key-location",
                                "directory.security.jwt-secret"));
    }

    @Test
    void doesNotStartWithAnEmptySecret() {
        assertThat(analysis("directory.security.jwt-secret=").getDescription()).startsWith("Nothing is set");
    }

    @Test
    void doesNotStartWithShortSecretAndDoesNotShowIt() {
        assertThat(analysis("directory.security.jwt-secret=" + SECRET.substring(1)))
                .satisfies(analysis -> assertThat(analysis.getDescription()).contains("31 bytes"))
                .satisfies(
                        analysis -> assertThat(analysis.toString() + analysis.getDescription() + analysis.getAction())
                                .doesNotContain(SECRET.substring(1)));
    }

    @Test
    void doesNotStartWithSecretBesideIssuer() {
        assertThat(analysis("directory.security.jwt-secret=" + SECRET, JWT + "issuer-uri=http://localhost:1")
                        .getDescription())
                .contains("both are set");
    }

    @ParameterizedTest
    @ValueSource(strings = {"HS256", "none", "RS256,HS256", ""})
    void doesNotStartWithAlgorithmsThatAreNotForPublicKeys(String algorithms) {
        assertThat(analysis(JWT + "issuer-uri=http://localhost:1", JWT + "jws-algorithms=" + algorithms)
                        .getDescription())
                .contains("jws-algorithms");
    }

    @Test
    void doesNotStartWithIssuerThatIsNotAUrl() {
        assertThat(analysis(JWT + "issuer-uri=keycloak").getDescription()).contains("issuer-uri is keycloak");
    }

    @Test
    void doesNotStartWithInvalidKey() throws IOException {
        assertThat(analysis(JWT + "public-key-location=" + file("no key")).getDescription())
                .contains("public-key-location");
    }

    @Test
    void doesNotStartWithKeyThatNoConfiguredAlgorithmUses() throws Exception {
        assertThat(analysis(JWT + "public-key-location=" + file(pem(ec().toPublicKey())), JWT + "jws-algorithms=RS256")
                        .getDescription())
                .contains("EC key", "RS256");
    }

    @Test
    void rejectsTokenSignedOnAnotherCurve() throws Exception {
        ECKey p384 = new ECKeyGenerator(Curve.P_384).keyID("key").generate();
        application
                .withPropertyValues(JWT + "public-key-location=" + file(pem(p384.toPublicKey())))
                .run(context -> assertRefused(context.getBean(AuthenticationManager.class), JWSAlgorithm.ES256, ec()));
    }

    @Test
    void acceptsOnlyHs256SignedWithTheSecret() {
        OctetSequenceKey key = new OctetSequenceKey.Builder(SECRET.getBytes(StandardCharsets.UTF_8)).build();
        application
                .withPropertyValues("directory.security.jwt-secret=" + SECRET)
                .run(context -> {
                    AuthenticationManager tokens = context.getBean(AuthenticationManager.class);
                    authenticate(tokens, JWSAlgorithm.HS256, key);
                    assertRefused(tokens, JWSAlgorithm.HS256, new OctetSequenceKey.Builder(new byte[32]).build());
                    assertRefused(tokens, JWSAlgorithm.RS256, rsa());
                });
    }

    @Test
    void acceptsOnlyRs256ForAnRsaKey() throws Exception {
        RSAKey key = rsa();
        application
                .withPropertyValues(JWT + "public-key-location=" + file(pem(key.toPublicKey())))
                .run(context -> {
                    AuthenticationManager tokens = context.getBean(AuthenticationManager.class);
                    authenticate(tokens, JWSAlgorithm.RS256, key);
                    assertRefused(tokens, JWSAlgorithm.RS256, rsa());
                    assertRefused(tokens, JWSAlgorithm.PS256, key);
                    assertRefused(tokens, JWSAlgorithm.ES256, ec());
                });
    }

    @Test
    void acceptsOnlyEs256ForAnEcKey() throws Exception {
        ECKey key = ec();
        application
                .withPropertyValues(JWT + "public-key-location=" + file(pem(key.toPublicKey())))
                .run(context -> {
                    AuthenticationManager tokens = context.getBean(AuthenticationManager.class);
                    authenticate(tokens, JWSAlgorithm.ES256, key);
                    assertRefused(tokens, JWSAlgorithm.ES256, ec());
                    assertRefused(tokens, JWSAlgorithm.RS256, rsa());
                });
    }

    /** The message about the settings that kept the service from starting. */
    private FailureAnalysis analysis(String... properties) {
        AtomicReference<@Nullable FailureAnalysis> analysis = new AtomicReference<>();
        application.withPropertyValues(properties).run(context -> {
            Throwable failure = Objects.requireNonNull(context.getStartupFailure());
            analysis.set(new BadTokenSettings.Analyzer().analyze(failure));
        });
        return Objects.requireNonNull(analysis.get());
    }

    private static void authenticate(AuthenticationManager tokens, JWSAlgorithm algorithm, JWK key) {
        String token = Tokens.sign(Tokens.claims().build(), algorithm, key);
        assertThat(tokens.authenticate(new BearerTokenAuthenticationToken(token))
                        .isAuthenticated())
                .isTrue();
    }

    private static void assertRefused(AuthenticationManager tokens, JWSAlgorithm algorithm, JWK key) {
        assertThatThrownBy(() -> authenticate(tokens, algorithm, key))
                .isInstanceOfSatisfying(
                        OAuth2AuthenticationException.class,
                        e -> assertThat(e.getError().getErrorCode()).isEqualTo("invalid_token"));
    }

    private static String pem(PublicKey key) {
        return "-----BEGIN PUBLIC KEY-----\n" + Base64.getMimeEncoder().encodeToString(key.getEncoded())
                + "\n-----END PUBLIC KEY-----\n";
    }

    private String file(String content) throws IOException {
        return Files.writeString(directory.resolve("key.pem"), content).toUri().toString();
    }

    private static RSAKey rsa() {
        try {
            return new RSAKeyGenerator(2048).keyID("key").generate();
        } catch (JOSEException e) {
            throw new AssertionError(e);
        }
    }

    private static ECKey ec() {
        try {
            return new ECKeyGenerator(Curve.P_256).keyID("key").generate();
        } catch (JOSEException e) {
            throw new AssertionError(e);
        }
    }
}
