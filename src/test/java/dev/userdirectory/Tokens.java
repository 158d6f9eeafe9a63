package dev.userdirectory;

import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.crypto.factories.DefaultJWSSignerFactory;
import com.nimbusds.jose.jwk.JWK;
import com.nimbusds.jose.jwk.RSAKey;
import com.nimbusds.jose.jwk.gen.RSAKeyGenerator;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.SignedJWT;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.Date;
import org.springframework.boot.test.context.TestConfiguration;
import org.springframework.context.annotation.Bean;
import org.springframework.test.context.DynamicPropertyRegistrar;

/** Signs tokens with a key of the test run, which the service trusts. */
@TestConfiguration(proxyBeanMethods = false)
public class Tokens {
    private static final RSAKey KEY = generate();

    @Bean
    DynamicPropertyRegistrar trustKeyOfTests() {
        return registry ->
                registry.add("spring.security.oauth2.resourceserver.jwt.public-key-location", Tokens::publicKey);
    }

    /** The key as a resource, for {@code spring.security.oauth2.resourceserver.jwt.public-key-location}. */
    public static String publicKey() {
        try {
            String pem = "-----BEGIN PUBLIC KEY-----\n"
                    + Base64.getMimeEncoder()
                            .encodeToString(KEY.toRSAPublicKey().getEncoded())
                    + "\n-----END PUBLIC KEY-----\n";
            return "base64:" + Base64.getEncoder().encodeToString(pem.getBytes(StandardCharsets.UTF_8));
        } catch (JOSEException e) {
            throw new AssertionError(e);
        }
    }

    public static String withScopes(String scopes) {
        return sign(claims().claim("scope", scopes).build());
    }

    public static String of(String subject, String scopes) {
        return sign(claims().subject(subject).claim("scope", scopes).build());
    }

    /** Valid for longer than all tests take, since test classes share contexts and the clients in them. */
    public static JWTClaimsSet.Builder claims() {
        return new JWTClaimsSet.Builder()
                .subject("somebody")
                .expirationTime(Date.from(Instant.now().plus(Duration.ofDays(1))));
    }

    public static String sign(JWTClaimsSet claims) {
        return sign(claims, JWSAlgorithm.RS256, KEY);
    }

    public static String sign(JWTClaimsSet claims, JWSAlgorithm algorithm, JWK key) {
        try {
            SignedJWT token = new SignedJWT(
                    new JWSHeader.Builder(algorithm).keyID(key.getKeyID()).build(), claims);
            token.sign(new DefaultJWSSignerFactory().createJWSSigner(key, algorithm));
            return token.serialize();
        } catch (JOSEException e) {
            throw new AssertionError(e);
        }
    }

    private static RSAKey generate() {
        try {
            return new RSAKeyGenerator(2048).keyID("of-the-tests").generate();
        } catch (JOSEException e) {
            throw new AssertionError(e);
        }
    }
}
