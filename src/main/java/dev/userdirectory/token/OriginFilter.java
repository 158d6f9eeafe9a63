package dev.userdirectory.token;

import dev.userdirectory.error.ErrorCode;
import dev.userdirectory.http.HttpError;
import java.io.IOException;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.graphql.autoconfigure.GraphQlCorsProperties;
import org.springframework.http.server.ServerHttpResponse;
import org.springframework.web.cors.CorsConfiguration;
import org.springframework.web.cors.CorsConfigurationSource;
import org.springframework.web.cors.DefaultCorsProcessor;
import org.springframework.web.cors.UrlBasedCorsConfigurationSource;
import org.springframework.web.filter.CorsFilter;

/**
 * Rejects requests from pages of other origins, including WebSocket handshakes, unless {@code spring.graphql.cors}
 * allows them.
 */
final class OriginFilter extends CorsFilter {
    private static final HttpError OTHER_ORIGIN = new HttpError(
            ErrorCode.FORBIDDEN,
            "Pages of this origin may not call: see spring.graphql.cors.allowed-origins, or"
                    + " server.forward-headers-strategy if it is the service's own");

    OriginFilter(GraphQlCorsProperties properties, String... paths) {
        super(allowed(properties.toCorsConfiguration(), paths));
        setCorsProcessor(new DefaultCorsProcessor() {
            @Override
            protected void rejectRequest(ServerHttpResponse response) throws IOException {
                OTHER_ORIGIN.writeTo(response);
            }
        });
    }

    private static CorsConfigurationSource allowed(@Nullable CorsConfiguration configuration, String... paths) {
        UrlBasedCorsConfigurationSource source = new UrlBasedCorsConfigurationSource();
        for (String path : paths) {
            source.registerCorsConfiguration(path, configuration == null ? new CorsConfiguration() : configuration);
        }
        return source;
    }
}
