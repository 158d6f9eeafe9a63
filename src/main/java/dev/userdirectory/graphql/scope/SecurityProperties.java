package dev.userdirectory.graphql.scope;

import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * Who may call the service. The issuer of tokens is configured by Spring's own
 * {@code spring.security.oauth2.resourceserver.jwt.*}, and cross-origin requests by
 * {@code spring.graphql.cors.allowed-origins}.
 *
 * @param jwtSecret what HS256 tokens are signed with, at least 32 bytes, where there is no issuer
 * @param introspection who may read {@code __schema} and {@code __type}, and is told names from the schema in errors, costs and traces: they show where there is something to attack
 * @param serviceSdl who may read {@code _service} and {@code /schema.graphqls}, which show the policy as well
 * @param actuatorScope the scope that every actuator endpoint needs but the health probes
 * @param graphiql whether GraphiQL is served; it needs no rights, but not everybody wants it on a public address
 */
@ConfigurationProperties("directory.security")
public record SecurityProperties(
        @Nullable String jwtSecret,
        @DefaultValue("token") Access introspection,
        @DefaultValue("token") Access serviceSdl,
        @DefaultValue("actuator") String actuatorScope,
        @DefaultValue("true") boolean graphiql) {

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
