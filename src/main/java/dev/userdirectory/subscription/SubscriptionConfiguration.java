package dev.userdirectory.subscription;

import jakarta.websocket.server.ServerEndpointConfig;
import java.util.List;
import java.util.Map;
import org.apache.tomcat.websocket.WsWebSocketContainer;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.graphql.autoconfigure.GraphQlCorsProperties;
import org.springframework.boot.graphql.autoconfigure.GraphQlProperties;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Profile;
import org.springframework.core.Ordered;
import org.springframework.http.server.ServerHttpRequest;
import org.springframework.web.cors.CorsConfiguration;
import org.springframework.web.socket.WebSocketExtension;
import org.springframework.web.socket.server.standard.ServletServerContainerFactoryBean;
import org.springframework.web.socket.server.support.DefaultHandshakeHandler;
import org.springframework.web.socket.server.support.OriginHandshakeInterceptor;
import org.springframework.web.socket.server.support.WebSocketHandlerMapping;
import org.springframework.web.socket.server.support.WebSocketHttpRequestHandler;

@Configuration(proxyBeanMethods = false)
@Profile("!lambda") // AWS Lambda has no WebSocket container.
class SubscriptionConfiguration {
    /** Each open socket keeps these buffers. Longer text messages arrive in parts; binary ones are rejected. */
    private static final int BUFFER_CHARS = 1024;

    private static final int BUFFER_BYTES = 128;

    @Bean
    WebSocketHandlerMapping graphQlSockets(Sockets sockets, GraphQlProperties graphQl, GraphQlCorsProperties cors) {
        WebSocketHttpRequestHandler handler = new WebSocketHttpRequestHandler(sockets, new Uncompressed());
        handler.setHandshakeInterceptors(List.of(new WellFormedHandshake(), origins(cors.toCorsConfiguration())));
        WebSocketHandlerMapping mapping = new WebSocketHandlerMapping();
        mapping.setWebSocketUpgradeMatch(true);
        mapping.setUrlMap(Map.of(graphQl.getHttp().getPath(), handler));
        mapping.setOrder(Ordered.HIGHEST_PRECEDENCE); // Before the HTTP routes of the same path.
        return mapping;
    }

    /** Accepts handshakes from the service's own origin and from those that CORS allows. */
    private static OriginHandshakeInterceptor origins(@Nullable CorsConfiguration cors) {
        OriginHandshakeInterceptor interceptor = new OriginHandshakeInterceptor();
        if (cors != null && cors.getAllowedOrigins() != null) {
            interceptor.setAllowedOrigins(cors.getAllowedOrigins());
        }
        if (cors != null && cors.getAllowedOriginPatterns() != null) {
            interceptor.setAllowedOriginPatterns(cors.getAllowedOriginPatterns());
        }
        return interceptor;
    }

    @Bean
    ServletServerContainerFactoryBean socketBuffers() {
        ServletServerContainerFactoryBean container = new ServletServerContainerFactoryBean() {
            @Override
            public void afterPropertiesSet() {
                super.afterPropertiesSet();
                if (getObject() instanceof WsWebSocketContainer tomcat) {
                    // The seconds between checks for sockets that clients have not closed in time; see Sockets.
                    tomcat.setProcessPeriod(1);
                }
                // Otherwise, the first handshake looks this up in the executable jar; see LibraryMessages.
                new ServerEndpointConfig.Configurator().getContainerDefaultConfigurator();
            }
        };
        container.setMaxTextMessageBufferSize(BUFFER_CHARS);
        container.setMaxBinaryMessageBufferSize(BUFFER_BYTES);
        return container;
    }

    /** Disables compression: a socket's compressor would need more memory than the rest of the socket. */
    private static class Uncompressed extends DefaultHandshakeHandler {
        @Override
        protected List<WebSocketExtension> filterRequestedExtensions(
                ServerHttpRequest request, List<WebSocketExtension> requested, List<WebSocketExtension> supported) {
            return List.of();
        }
    }
}
