package dev.userdirectory.platform;

import javax.sql.DataSource;
import org.springframework.beans.factory.config.BeanPostProcessor;
import org.springframework.boot.tomcat.ConfigurableTomcatWebServerFactory;
import org.springframework.boot.web.server.WebServerFactoryCustomizer;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** What sees to it that a request can be stopped: around the pool of connections, and in the server. */
@Configuration(proxyBeanMethods = false)
class LimitsConfiguration {
    @Bean
    static BeanPostProcessor watchStatements() {
        return new BeanPostProcessor() {
            @Override
            public Object postProcessAfterInitialization(Object bean, String name) {
                return bean instanceof DataSource dataSource ? new DeadlineDataSource(dataSource) : bean;
            }
        };
    }

    @Bean
    WebServerFactoryCustomizer<ConfigurableTomcatWebServerFactory> watchClients() {
        return server -> server.addEngineValves(new ClientConnection.Valve());
    }
}
