package dev.userdirectory.token;

import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.proc.JWSKeySelector;
import com.nimbusds.jose.proc.SecurityContext;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.security.Key;
import java.security.KeyFactory;
import java.security.NoSuchAlgorithmException;
import java.security.PublicKey;
import java.security.spec.InvalidKeySpecException;
import java.security.spec.X509EncodedKeySpec;
import java.util.Base64;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import javax.crypto.spec.SecretKeySpec;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.security.oauth2.server.resource.autoconfigure.OAuth2ResourceServerProperties;
import org.springframework.util.StringUtils;

/** The keys that tokens are verified with: an issuer's, a public key, or a secret. */
final class TokenKeys {
    static final String SPRING = "spring.security.oauth2.resourceserver.jwt.";
    private static final String SECRET = "directory.security.jwt-secret";
    /** RFC 7518 3.2: at least as long as the hash. */
    private static final int MIN_SECRET_BYTES = 32;

    private TokenKeys() {}

    /** @throws BadTokenSettings unless the settings name exactly one kind of key, and a safe one */
    static JWSKeySelector<SecurityContext> of(OAuth2ResourceServerProperties.Jwt jwt, @Nullable String secret)
            throws IOException {
        boolean issuer = StringUtils.hasText(jwt.getIssuerUri()) || StringUtils.hasText(jwt.getJwkSetUri());
        if (secret != null && !secret.isEmpty()) {
            if (issuer || jwt.getPublicKeyLocation() != null) {
                throw new BadTokenSettings(
                        "Tokens are checked against " + SECRET + " or against an issuer's keys, but both are set.",
                        "Remove one of them: anyone who knows the secret could sign tokens in the issuer's name.");
            }
            return secret(secret.getBytes(StandardCharsets.UTF_8));
        }
        if (issuer) {
            return new IssuerKeys(
                    algorithms(jwt), uri("issuer-uri", jwt.getIssuerUri()), uri("jwk-set-uri", jwt.getJwkSetUri()));
        }
        if (jwt.getPublicKeyLocation() != null) {
            return publicKey(algorithms(jwt), jwt.readPublicKey());
        }
        throw new BadTokenSettings(
                "Nothing is set that tokens could be checked against.",
                "Set " + SPRING + "issuer-uri (and audiences) to trust an issuer, or jwk-set-uri or public-key-location"
                        + " beside it, or set " + SECRET + " to a shared secret of at least " + MIN_SECRET_BYTES
                        + " bytes. To try the service out, run ./mvnw spring-boot:test-run, which starts an issuer as well.");
    }

    private static JWSKeySelector<SecurityContext> secret(byte[] secret) {
        if (secret.length < MIN_SECRET_BYTES) {
            throw new BadTokenSettings(
                    SECRET + " has " + secret.length + " bytes.",
                    "HS256 needs a secret of at least " + MIN_SECRET_BYTES + " bytes: openssl rand -base64 32");
        }
        return only(Set.of(JWSAlgorithm.HS256), new SecretKeySpec(secret, "HmacSHA256"));
    }

    private static JWSKeySelector<SecurityContext> publicKey(Set<JWSAlgorithm> algorithms, String pem) {
        byte[] der;
        try {
            der = Base64.getMimeDecoder().decode(pem.replaceAll("-----(BEGIN|END) PUBLIC KEY-----", ""));
        } catch (IllegalArgumentException e) {
            throw notAKey();
        }
        for (String type : List.of("RSA", "EC")) {
            try {
                PublicKey key = KeyFactory.getInstance(type).generatePublic(new X509EncodedKeySpec(der));
                Set<JWSAlgorithm> usable = new HashSet<>(algorithms);
                usable.retainAll(type.equals("RSA") ? JWSAlgorithm.Family.RSA : JWSAlgorithm.Family.EC);
                if (usable.isEmpty()) {
                    throw new BadTokenSettings(
                            SPRING + "public-key-location has an " + type + " key, which fits none of the algorithms "
                                    + algorithms + ".",
                            "Add an algorithm for that key to " + SPRING + "jws-algorithms.");
                }
                return only(usable, key);
            } catch (InvalidKeySpecException e) {
                // The key is of the other type.
            } catch (NoSuchAlgorithmException e) {
                throw new IllegalStateException(type + " is part of every JDK", e);
            }
        }
        throw notAKey();
    }

    private static BadTokenSettings notAKey() {
        return new BadTokenSettings(
                "The file at " + SPRING + "public-key-location is not a public key.",
                "It must be an RSA or EC key as PEM, which starts with -----BEGIN PUBLIC KEY-----.");
    }

    /**
     * Selects the key for any {@code kid}, but only for its own algorithms, since using it with another one would be
     * unsafe.
     */
    private static JWSKeySelector<SecurityContext> only(Set<JWSAlgorithm> algorithms, Key key) {
        return (header, context) -> algorithms.contains(header.getAlgorithm()) ? List.of(key) : List.of();
    }

    private static Set<JWSAlgorithm> algorithms(OAuth2ResourceServerProperties.Jwt jwt) {
        Set<JWSAlgorithm> algorithms =
                jwt.getJwsAlgorithms().stream().map(JWSAlgorithm::parse).collect(Collectors.toSet());
        if (algorithms.isEmpty() || !JWSAlgorithm.Family.SIGNATURE.containsAll(algorithms)) {
            throw new BadTokenSettings(
                    SPRING + "jws-algorithms is " + algorithms + ".",
                    "Use algorithms for public keys, such as RS256 or ES256: with an HMAC, the public key would be"
                            + " the secret.");
        }
        return algorithms;
    }

    private static @Nullable URI uri(String property, @Nullable String value) {
        if (!StringUtils.hasText(value)) {
            return null;
        }
        URI uri = URI.create(value);
        if (uri.getHost() == null || !List.of("http", "https").contains(uri.getScheme())) {
            throw new BadTokenSettings(SPRING + property + " is " + value + ".", "Set it to an http or https address.");
        }
        return uri;
    }
}
