package dev.userdirectory.platform;

import dev.userdirectory.policy.Limits;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.binder.MeterBinder;
import java.sql.SQLException;
import javax.sql.DataSource;
import org.springframework.beans.factory.config.BeanPostProcessor;
import org.springframework.boot.tomcat.ConfigurableTomcatWebServerFactory;
import org.springframework.boot.tomcat.TomcatWebServerFactory;
import org.springframework.boot.web.server.WebServerFactoryCustomizer;
import org.springframework.context.ApplicationContext;
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
                try {
                    return bean instanceof DataSource dataSource ? new DeadlineDataSource(dataSource) : bean;
                } catch (SQLException e) {
                    throw new IllegalStateException(name + " is not of the pool that requests queue for", e);
                }
            }
        };
    }

    /** With the pools' own names, so that what waits in front of them can be added to what waits in them. */
    @Bean
    MeterBinder waitingRequests(ApplicationContext context) {
        return meters -> context.getBeansOfType(DataSource.class).values().forEach(bean -> {
            try {
                DeadlineDataSource queue = bean.unwrap(DeadlineDataSource.class);
                Gauge.builder("directory.connections.waiting", queue, DeadlineDataSource::waiting)
                        .description("Requests that wait for a connection")
                        .tag("pool", queue.name())
                        .register(meters);
            } catch (SQLException e) {
                throw new IllegalStateException("Not what requests queue at", e);
            }
        });
    }

    @Bean
    WebServerFactoryCustomizer<ConfigurableTomcatWebServerFactory> watchClients() {
        return server -> server.addEngineValves(new ClientConnection.Valve());
    }

    @Bean
    WebServerFactoryCustomizer<TomcatWebServerFactory> limitTimeOfHeads(Limits limits) {
        return server -> HeadTimeoutProtocol.install(server, limits.head());
    }
}
