package dev.userdirectory.http;

import jakarta.servlet.ServletException;
import java.io.IOException;
import java.util.Map;
import org.apache.catalina.connector.Request;
import org.apache.catalina.connector.Response;
import org.apache.catalina.valves.ValveBase;
import org.springframework.boot.tomcat.ConfigurableTomcatWebServerFactory;
import org.springframework.boot.web.server.WebServerFactoryCustomizer;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/**
 * Sets the security headers on every response, even if the server or the firewall rejects the request before any filter
 * runs. Spring Security's filters set them as well, because on AWS Lambda there is no server that could.
 */
@Configuration(proxyBeanMethods = false)
class SecurityHeaders {
    private static final Map<String, String> HEADERS = Map.of(
            "Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'",
            "X-Content-Type-Options", "nosniff",
            "X-Frame-Options", "DENY",
            "Referrer-Policy", "no-referrer");

    @Bean
    WebServerFactoryCustomizer<ConfigurableTomcatWebServerFactory> setHeadersFirst() {
        return server -> server.addEngineValves(new Valve());
    }

    static class Valve extends ValveBase {
        Valve() {
            super(true);
        }

        @Override
        public void invoke(Request request, Response response) throws IOException, ServletException {
            HEADERS.forEach(response::setHeader);
            getNext().invoke(request, response);
        }
    }
}
