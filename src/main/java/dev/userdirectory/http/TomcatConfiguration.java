package dev.userdirectory.http;

import dev.userdirectory.graphql.limit.Limits;
import org.springframework.boot.tomcat.ConfigurableTomcatWebServerFactory;
import org.springframework.boot.tomcat.TomcatWebServerFactory;
import org.springframework.boot.web.server.WebServerFactoryCustomizer;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/**
 * Makes Tomcat check whether clients are still connected, and limit how long they take to send the head of a request,
 * or a body that is not needed.
 */
@Configuration(proxyBeanMethods = false)
class TomcatConfiguration {
    @Bean
    WebServerFactoryCustomizer<ConfigurableTomcatWebServerFactory> watchClients() {
        return server -> server.addEngineValves(new ClientConnection.Valve());
    }

    @Bean
    WebServerFactoryCustomizer<TomcatWebServerFactory> limitTimeOfHeads(Limits limits) {
        return server -> HeadTimeoutProtocol.install(server, limits.head(), limits.head());
    }
}
