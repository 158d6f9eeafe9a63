package dev.userdirectory.graphql.scope;

import java.net.URI;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * Access to the service. The issuer of tokens is configured by Spring's own
 * {@code spring.security.oauth2.resourceserver.jwt.*}, and cross-origin requests by
 * {@code spring.graphql.cors.allowed-origins}.
 *
 * @param jwtSecret the secret of at least 32 bytes that HS256 tokens are signed with, if there is no issuer
 * @param introspection the callers that may read {@code __schema} and {@code __type}, and that see names from the
 *     schema in errors, costs and traces
 * @param serviceSdl who may read {@code _service} and {@code /schema.graphqls}, which also show the policy
 * @param actuatorScope the scope that all actuator endpoints require, except the health probes
 * @param graphiql whether GraphiQL is served; it has no rights of its own, but may be unwanted on a public address
 * @param localTokenUri where GraphiQL gets a token for its button "Sign in locally", from an identity provider on the
 *     same machine as the browser; only for development, and by default there is no button
 */
@ConfigurationProperties("directory.security")
public record SecurityProperties(
        @Nullable String jwtSecret,
        @DefaultValue("token") Access introspection,
        @DefaultValue("token") Access serviceSdl,
        @DefaultValue("actuator") String actuatorScope,
        @DefaultValue("true") boolean graphiql,
        @Nullable URI localTokenUri) {
    /** A Content-Security-Policy cannot contain IPv6 addresses. */
    private static final Pattern LOCAL = Pattern.compile("https?://(localhost|127\\.0\\.0\\.1)(:\\d+)?(/.*)?");

    public SecurityProperties {
        if (localTokenUri != null && !LOCAL.matcher(localTokenUri.toString()).matches()) {
            throw new IllegalArgumentException(
                    "directory.security.local-token-uri must start with http:// or https:// and localhost or 127.0.0.1, not "
                            + localTokenUri);
        }
    }

    public boolean mayIntrospect(Caller caller) {
        return switch (introspection) {
            case OPEN -> true;
            case TOKEN -> !caller.anonymous();
            case OFF -> false;
        };
    }

    public enum Access {
        /** Everybody. */
        OPEN,
        /** Every caller with a valid token, whatever its scopes. */
        TOKEN,
        /** Nobody. */
        OFF
    }
}
