package dev.userdirectory.token;

import com.nimbusds.jose.JOSEObjectType;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.KeySourceException;
import com.nimbusds.jose.proc.DefaultJOSEObjectTypeVerifier;
import com.nimbusds.jose.proc.JWSKeySelector;
import com.nimbusds.jose.proc.SecurityContext;
import com.nimbusds.jwt.proc.DefaultJWTProcessor;
import dev.userdirectory.graphql.document.MemoryProperties;
import dev.userdirectory.graphql.scope.DeniedAccess;
import dev.userdirectory.graphql.scope.SecurityProperties;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.security.Key;
import java.security.KeyFactory;
import java.security.NoSuchAlgorithmException;
import java.security.PublicKey;
import java.security.spec.InvalidKeySpecException;
import java.security.spec.X509EncodedKeySpec;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collection;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.crypto.spec.SecretKeySpec;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.boot.security.oauth2.server.resource.autoconfigure.OAuth2ResourceServerProperties;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.convert.converter.Converter;
import org.springframework.http.HttpStatus;
import org.springframework.security.authentication.AuthenticationManager;
import org.springframework.security.authentication.AuthenticationServiceException;
import org.springframework.security.core.AuthenticationException;
import org.springframework.security.core.GrantedAuthority;
import org.springframework.security.core.authority.SimpleGrantedAuthority;
import org.springframework.security.oauth2.core.DelegatingOAuth2TokenValidator;
import org.springframework.security.oauth2.core.OAuth2AuthenticationException;
import org.springframework.security.oauth2.core.OAuth2Error;
import org.springframework.security.oauth2.core.OAuth2TokenValidator;
import org.springframework.security.oauth2.core.OAuth2TokenValidatorResult;
import org.springframework.security.oauth2.jwt.Jwt;
import org.springframework.security.oauth2.jwt.JwtClaimNames;
import org.springframework.security.oauth2.jwt.JwtDecoder;
import org.springframework.security.oauth2.jwt.JwtValidationException;
import org.springframework.security.oauth2.jwt.MappedJwtClaimSetConverter;
import org.springframework.security.oauth2.jwt.NimbusJwtDecoder;
import org.springframework.security.oauth2.server.resource.BearerTokenError;
import org.springframework.security.oauth2.server.resource.BearerTokenErrors;
import org.springframework.security.oauth2.server.resource.InvalidBearerTokenException;
import org.springframework.security.oauth2.server.resource.authentication.JwtAuthenticationConverter;
import org.springframework.security.oauth2.server.resource.authentication.JwtAuthenticationProvider;
import org.springframework.util.StringUtils;

/** Defines which tokens are valid: who signed them, for whom, and when. */
@Configuration(proxyBeanMethods = false)
@EnableConfigurationProperties({SecurityProperties.class, MemoryProperties.class, OAuth2ResourceServerProperties.class})
class TokenConfiguration {
    private static final Logger log = LoggerFactory.getLogger(TokenConfiguration.class);
    private static final String SPRING = "spring.security.oauth2.resourceserver.jwt.";
    private static final String SECRET = "directory.security.jwt-secret";
    private static final BearerTokenError UNREACHABLE = new BearerTokenError(
            "temporarily_unavailable",
            HttpStatus.SERVICE_UNAVAILABLE,
            "Tokens cannot be checked now: their issuer does not answer",
            null);
    private static final BearerTokenError MALFORMED =
            BearerTokenErrors.invalidToken("Token malformed, or not signed with a key that is trusted here");
    /** RFC 7518 3.2: at least as long as the hash. */
    private static final int MIN_SECRET_BYTES = 32;
    /** How far the issuer's clock may be ahead of ours. There is no such tolerance for expired tokens. */
    private static final Duration EARLY = Duration.ofSeconds(10);

    @Bean
    JWSKeySelector<SecurityContext> tokenKeys(OAuth2ResourceServerProperties properties, SecurityProperties security)
            throws IOException {
        OAuth2ResourceServerProperties.Jwt jwt = properties.getJwt();
        String secret = security.jwtSecret();
        boolean issuer = StringUtils.hasText(jwt.getIssuerUri()) || StringUtils.hasText(jwt.getJwkSetUri());
        if (secret != null && !secret.isEmpty()) {
            if (issuer || jwt.getPublicKeyLocation() != null) {
                throw new BadTokenSettings(
                        "Tokens are checked against " + SECRET + " or against an issuer's keys, but both are set.",
                        "Leave one of them out: whoever knows the secret could sign in the issuer's name.");
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
                        + " bytes. For a try, ./mvnw spring-boot:test-run brings an issuer of its own.");
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
                            SPRING + "public-key-location has an " + type + " key, which is of no use for " + algorithms
                                    + ".",
                            "Name an algorithm of that key in " + SPRING + "jws-algorithms.");
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
                "What " + SPRING + "public-key-location points to is not a public key.",
                "Give it an RSA or EC key as PEM, which starts with -----BEGIN PUBLIC KEY-----.");
    }

    /** Selects the key for any {@code kid}, but only for its own algorithms, since others would misuse it. */
    private static JWSKeySelector<SecurityContext> only(Set<JWSAlgorithm> algorithms, Key key) {
        return (header, context) -> algorithms.contains(header.getAlgorithm()) ? List.of(key) : List.of();
    }

    private static Set<JWSAlgorithm> algorithms(OAuth2ResourceServerProperties.Jwt jwt) {
        Set<JWSAlgorithm> algorithms =
                jwt.getJwsAlgorithms().stream().map(JWSAlgorithm::parse).collect(Collectors.toSet());
        if (algorithms.isEmpty() || !JWSAlgorithm.Family.SIGNATURE.containsAll(algorithms)) {
            throw new BadTokenSettings(
                    SPRING + "jws-algorithms is " + algorithms + ".",
                    "Name signature algorithms of public keys, as RS256 or ES256: with an HMAC the public key would be"
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

    @Bean
    JwtDecoder jwtDecoder(JWSKeySelector<SecurityContext> keys, OAuth2ResourceServerProperties properties) {
        DefaultJWTProcessor<SecurityContext> processor = new DefaultJWTProcessor<>();
        processor.setJWSKeySelector(keys);
        // RFC 9068 2.1; issuers that do not implement it write JWT or nothing.
        processor.setJWSTypeVerifier(new DefaultJOSEObjectTypeVerifier<>(
                JOSEObjectType.JWT, new JOSEObjectType("at+jwt"), new JOSEObjectType("application/at+jwt"), null));
        // The claims are checked by the validator below, whose messages are written for the client.
        processor.setJWTClaimsSetVerifier((claims, context) -> {});
        NimbusJwtDecoder decoder = new NimbusJwtDecoder(processor);
        decoder.setClaimSetConverter(dropImpossibleIssueTime(MappedJwtClaimSetConverter.withDefaults(Map.of())));
        decoder.setJwtValidator(validator(properties.getJwt()));
        return decoder;
    }

    /** Spring's Jwt cannot hold a token that expires before it was issued, which should be reported as expired. */
    private static Converter<Map<String, Object>, Map<String, Object>> dropImpossibleIssueTime(
            Converter<Map<String, Object>, Map<String, Object>> converter) {
        return claims -> {
            Map<String, Object> converted = Objects.requireNonNull(converter.convert(claims));
            if (converted.get(JwtClaimNames.EXP) instanceof Instant end
                    && converted.get(JwtClaimNames.IAT) instanceof Instant start
                    && !end.isAfter(start)) {
                converted.remove(JwtClaimNames.IAT);
            }
            return converted;
        };
    }

    private static OAuth2TokenValidator<Jwt> validator(OAuth2ResourceServerProperties.Jwt expected) {
        List<OAuth2TokenValidator<Jwt>> validators = new ArrayList<>();
        validators.add(refuse("Token without an expiry time", jwt -> jwt.getExpiresAt() == null));
        validators.add(refuse("Token expired", jwt -> !before(Instant.now(), jwt.getExpiresAt())));
        // RFC 9449 and RFC 8705: such a token requires proof of possession of its key, which is not checked here.
        validators.add(refuse("Token bound to a key, of which no proof is taken here", jwt -> jwt.hasClaim("cnf")));
        validators.add(refuse("Token not valid yet", jwt -> before(Instant.now().plus(EARLY), jwt.getNotBefore())));
        String issuer = expected.getIssuerUri();
        if (StringUtils.hasText(issuer)) {
            validators.add(
                    refuse("Token of another issuer", jwt -> !issuer.equals(jwt.getClaimAsString(JwtClaimNames.ISS))));
        }
        List<String> audiences = expected.getAudiences();
        if (audiences.isEmpty()) {
            if (StringUtils.hasText(issuer)) {
                log.warn("Tokens that the issuer gives out for other services are taken too: set {}audiences", SPRING);
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
     * Verifies tokens for every transport. Returns the caller, or throws an {@link OAuth2AuthenticationException} that
     * is shown to the client as it is.
     */
    @Bean
    AuthenticationManager authenticationManager(
            JwtDecoder decoder,
            JWSKeySelector<SecurityContext> keys,
            ObjectProvider<JwtAuthenticationConverter> converter,
            MemoryProperties memory,
            DeniedAccess denied) {
        JwtAuthenticationProvider provider = new JwtAuthenticationProvider(decoder);
        provider.setJwtAuthenticationConverter(converter.getIfAvailable(TokenConfiguration::byScopes));
        AuthenticationManager verifier = authentication -> {
            try {
                return provider.authenticate(authentication);
            } catch (InvalidBearerTokenException | AuthenticationServiceException e) {
                OAuth2Error problem = problem(e);
                if (problem != UNREACHABLE) {
                    denied.count(DeniedAccess.Reason.BAD_TOKEN);
                }
                throw new OAuth2AuthenticationException(problem, e);
            } catch (ClassCastException e) {
                // Thrown by a converter that expects each element of a claim to be text.
                denied.count(DeniedAccess.Reason.BAD_TOKEN);
                throw new OAuth2AuthenticationException(MALFORMED, e);
            }
        };
        return new VerifiedTokens(verifier, keys, memory.tokens());
    }

    private static JwtAuthenticationConverter byScopes() {
        JwtAuthenticationConverter converter = new JwtAuthenticationConverter();
        converter.setJwtGrantedAuthoritiesConverter(TokenConfiguration::scopes);
        return converter;
    }

    /** The scopes in {@code scope} and {@code scp} together, each text or a list. Anything but text is ignored. */
    private static Collection<GrantedAuthority> scopes(Jwt token) {
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

    private static OAuth2Error problem(AuthenticationException e) {
        Throwable cause = e.getCause();
        if (cause instanceof JwtValidationException invalid) {
            return invalid.getErrors().iterator().next();
        }
        if (cause != null && cause.getCause() instanceof KeySourceException) {
            log.warn("Tokens cannot be checked: {}", cause.getMessage());
            return UNREACHABLE;
        }
        return MALFORMED;
    }
}
