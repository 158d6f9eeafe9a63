package dev.userdirectory.http;

import dev.userdirectory.graphql.limit.Limits;
import java.time.Duration;
import org.apache.coyote.AbstractProtocol;
import org.springframework.boot.actuate.autoconfigure.web.server.ConditionalOnManagementPort;
import org.springframework.boot.actuate.autoconfigure.web.server.ManagementPortType;
import org.springframework.boot.tomcat.TomcatProtocolHandlerCustomizer;
import org.springframework.boot.tomcat.TomcatWebServerFactory;
import org.springframework.boot.web.server.WebServerFactoryCustomizer;
import org.springframework.context.annotation.Bean;

/**
 * Configures the server for health and metrics, if {@code management.server.port} gives them a separate port. Its
 * threads are platform threads: virtual ones would wait for the carrier threads that requests keep busy.
 *
 * <p>It is listed in {@code META-INF/spring} for that server's context alone. It is not a {@code @Configuration}, so
 * that the service's own context does not pick it up.
 */
@ConditionalOnManagementPort(ManagementPortType.DIFFERENT)
class ManagementServer {
    /** Enough for concurrent probes and scrapes. */
    private static final int THREADS = 8;

    @Bean
    WebServerFactoryCustomizer<TomcatWebServerFactory> managementServerCustomizer(Limits limits) {
        TomcatProtocolHandlerCustomizer<AbstractProtocol<?>> ownThreads = protocol -> {
            protocol.setExecutor(null);
            protocol.setMinSpareThreads(1);
            protocol.setMaxThreads(THREADS);
        };
        return server -> {
            server.addProtocolHandlerCustomizers(ownThreads);
            server.addEngineValves(new SecurityHeaders.Valve());
            // Nothing here has a use for a body, and a few clients that send one slowly would keep all threads busy.
            HeadTimeoutProtocol.install(server, limits.head(), Duration.ZERO);
        };
    }
}
