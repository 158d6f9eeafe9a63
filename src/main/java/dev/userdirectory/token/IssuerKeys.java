package dev.userdirectory.token;

import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.KeySourceException;
import com.nimbusds.jose.jwk.JWKSet;
import com.nimbusds.jose.jwk.source.JWKSetBasedJWKSource;
import com.nimbusds.jose.jwk.source.JWKSetCacheRefreshEvaluator;
import com.nimbusds.jose.jwk.source.JWKSetRetrievalException;
import com.nimbusds.jose.jwk.source.JWKSetSource;
import com.nimbusds.jose.jwk.source.JWKSourceBuilder;
import com.nimbusds.jose.jwk.source.RateLimitReachedException;
import com.nimbusds.jose.proc.JWSKeySelector;
import com.nimbusds.jose.proc.JWSVerificationKeySelector;
import com.nimbusds.jose.proc.SecurityContext;
import com.nimbusds.jose.util.DefaultResourceRetriever;
import com.nimbusds.jose.util.JSONObjectUtils;
import java.io.Closeable;
import java.io.IOException;
import java.net.URI;
import java.security.Key;
import java.text.ParseException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * An issuer's keys. They are fetched when the first token arrives, so that the service can start without the issuer.
 * They are fetched again every five minutes, and when a token matches none of them, since it may be signed by a new
 * key. If the issuer is down, cached keys keep working. Tokens with unknown keys cause at most two fetches in ten
 * seconds.
 */
class IssuerKeys implements JWSKeySelector<SecurityContext>, Closeable {
    static final Duration ASK_INTERVAL = Duration.ofSeconds(10);
    private static final Duration CACHE_LIFE = Duration.ofMinutes(5);
    private static final Duration WAIT_FOR_OTHERS = Duration.ofSeconds(5);
    private static final Logger log = LoggerFactory.getLogger(IssuerKeys.class);

    private final Endpoint endpoint;
    private final JWKSetBasedJWKSource<SecurityContext> keys;
    private final JWSKeySelector<SecurityContext> selector;

    /** @param jwkSet the address of the keys, or null to discover it from the issuer */
    IssuerKeys(Set<JWSAlgorithm> algorithms, @Nullable URI issuer, @Nullable URI jwkSet) {
        endpoint = new Endpoint(issuer, jwkSet);
        keys = (JWKSetBasedJWKSource<SecurityContext>) JWKSourceBuilder.create(endpoint)
                .cache(CACHE_LIFE.toMillis(), WAIT_FOR_OTHERS.toMillis())
                .rateLimited(ASK_INTERVAL.toMillis())
                .outageTolerant(
                        Long.MAX_VALUE,
                        outage -> log.warn("The issuer does not answer; its last keys are used meanwhile"))
                .build();
        selector = new JWSVerificationKeySelector<>(algorithms, keys);
    }

    @Override
    public List<? extends Key> selectJWSKeys(JWSHeader header, SecurityContext context) throws KeySourceException {
        try {
            return selector.selectJWSKeys(header, context);
        } catch (RateLimitReachedException e) {
            if (endpoint.hasAnswered) {
                return List.of();
            }
            throw e;
        }
    }

    @Override
    public void close() throws IOException {
        keys.close();
    }

    private static class Endpoint implements JWKSetSource<SecurityContext> {
        private final DefaultResourceRetriever retriever = new DefaultResourceRetriever(1_000, 2_000, 256 * 1024);
        private final @Nullable URI issuer;
        private final @Nullable URI jwkSet;
        volatile boolean hasAnswered;

        Endpoint(@Nullable URI issuer, @Nullable URI jwkSet) {
            this.issuer = issuer;
            this.jwkSet = jwkSet;
        }

        /** Called by one thread at a time: the cache in front lets no more through. */
        @Override
        public JWKSet getJWKSet(JWKSetCacheRefreshEvaluator refresh, long currentTime, SecurityContext context)
                throws KeySourceException {
            try {
                URI uri = jwkSet == null ? discover(issuer) : jwkSet;
                JWKSet set =
                        JWKSet.parse(retriever.retrieveResource(uri.toURL()).getContent());
                hasAnswered = true;
                return set;
            } catch (IOException | ParseException | IllegalArgumentException e) {
                throw new JWKSetRetrievalException(e.getMessage(), e);
            }
        }

        /** Tries OpenID Connect Discovery 4 first, then RFC 8414 3. */
        private URI discover(@Nullable URI issuer) throws IOException, ParseException {
            String path = Objects.requireNonNull(issuer).getPath().replaceFirst("/$", "");
            try {
                return discover(issuer, path + "/.well-known/openid-configuration");
            } catch (IOException | ParseException e) {
                return discover(issuer, "/.well-known/oauth-authorization-server" + path);
            }
        }

        private URI discover(URI issuer, String path) throws IOException, ParseException {
            URI uri = issuer.resolve(path);
            Map<String, Object> metadata = JSONObjectUtils.parse(
                    retriever.retrieveResource(uri.toURL()).getContent());
            // RFC 8414 3.3: otherwise, one issuer could answer for another and so replace its keys.
            if (!issuer.toString().equals(metadata.get("issuer"))) {
                throw new IOException(uri + " is the metadata of another issuer, " + metadata.get("issuer"));
            }
            return JSONObjectUtils.getURI(metadata, "jwks_uri");
        }

        @Override
        public void close() {}
    }
}
