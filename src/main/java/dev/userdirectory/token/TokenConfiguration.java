package dev.userdirectory.token;

import com.nimbusds.jose.JOSEObjectType;
import com.nimbusds.jose.KeySourceException;
import com.nimbusds.jose.proc.DefaultJOSEObjectTypeVerifier;
import com.nimbusds.jose.proc.JWSKeySelector;
import com.nimbusds.jose.proc.SecurityContext;
import com.nimbusds.jwt.proc.DefaultJWTProcessor;
import dev.userdirectory.error.LogInterval;
import dev.userdirectory.graphql.document.MemoryProperties;
import dev.userdirectory.graphql.scope.DeniedAccess;
import dev.userdirectory.graphql.scope.SecurityProperties;
import java.io.IOException;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.boot.security.oauth2.server.resource.autoconfigure.OAuth2ResourceServerProperties;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.http.HttpStatus;
import org.springframework.security.authentication.AuthenticationManager;
import org.springframework.security.authentication.AuthenticationServiceException;
import org.springframework.security.core.AuthenticationException;
import org.springframework.security.oauth2.core.OAuth2AuthenticationException;
import org.springframework.security.oauth2.core.OAuth2Error;
import org.springframework.security.oauth2.jwt.JwtDecoder;
import org.springframework.security.oauth2.jwt.JwtValidationException;
import org.springframework.security.oauth2.jwt.MappedJwtClaimSetConverter;
import org.springframework.security.oauth2.jwt.NimbusJwtDecoder;
import org.springframework.security.oauth2.server.resource.BearerTokenError;
import org.springframework.security.oauth2.server.resource.BearerTokenErrors;
import org.springframework.security.oauth2.server.resource.InvalidBearerTokenException;
import org.springframework.security.oauth2.server.resource.authentication.JwtAuthenticationConverter;
import org.springframework.security.oauth2.server.resource.authentication.JwtAuthenticationProvider;

/** Assembles the verification of tokens from {@link TokenKeys}, {@link TokenClaims} and {@link VerifiedTokens}. */
@Configuration(proxyBeanMethods = false)
@EnableConfigurationProperties({SecurityProperties.class, MemoryProperties.class, OAuth2ResourceServerProperties.class})
class TokenConfiguration {
    private static final Logger log = LoggerFactory.getLogger(TokenConfiguration.class);
    private static final LogInterval LINES = new LogInterval();
    private static final BearerTokenError UNREACHABLE = new BearerTokenError(
            "temporarily_unavailable",
            HttpStatus.SERVICE_UNAVAILABLE,
            "Tokens cannot be checked now: their issuer does not answer",
            null);
    private static final BearerTokenError MALFORMED =
            BearerTokenErrors.invalidToken("Token malformed, or not signed with a key that is trusted here");

    @Bean
    JWSKeySelector<SecurityContext> tokenKeys(OAuth2ResourceServerProperties properties, SecurityProperties security)
            throws IOException {
        return TokenKeys.of(properties.getJwt(), security.jwtSecret());
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
        MappedJwtClaimSetConverter claims = MappedJwtClaimSetConverter.withDefaults(Map.of());
        decoder.setClaimSetConverter(token -> TokenClaims.withoutImpossibleIssueTime(claims.convert(token)));
        decoder.setJwtValidator(TokenClaims.validator(properties.getJwt()));
        return decoder;
    }

    /**
     * Verifies tokens for every transport. Returns the caller, or throws an {@link OAuth2AuthenticationException} that
     * may be shown to the client as it is.
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
        converter.setJwtGrantedAuthoritiesConverter(TokenClaims::scopes);
        return converter;
    }

    private static OAuth2Error problem(AuthenticationException e) {
        Throwable cause = e.getCause();
        if (cause instanceof JwtValidationException invalid) {
            return invalid.getErrors().iterator().next();
        }
        if (cause != null && cause.getCause() instanceof KeySourceException) {
            long count = LINES.count();
            if (count > 0) {
                log.warn("{} tokens could not be checked: {}", count, cause.getMessage());
            }
            return UNREACHABLE;
        }
        return MALFORMED;
    }
}
