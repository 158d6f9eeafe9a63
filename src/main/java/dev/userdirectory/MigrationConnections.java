package dev.userdirectory;

import com.zaxxer.hikari.HikariDataSource;
import java.sql.SQLException;
import java.util.Properties;
import javax.sql.DataSource;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
import org.springframework.boot.flyway.autoconfigure.FlywayConfigurationCustomizer;
import org.springframework.boot.flyway.autoconfigure.FlywayProperties;
import org.springframework.boot.jdbc.autoconfigure.JdbcConnectionDetails;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.jdbc.datasource.DriverManagerDataSource;

/**
 * A migration may take as long as it needs, so it has its own connections without timeouts for statements. Otherwise
 * they have the driver properties of the pool, whichever user they belong to.
 */
@Configuration(proxyBeanMethods = false)
class MigrationConnections {
    /** After pauses of 1, 2, 4 and 8 seconds. The pool tries for about as long when it starts. */
    private static final int RETRIES = 4;

    @Bean
    @ConditionalOnProperty(name = "spring.flyway.enabled", matchIfMissing = true)
    FlywayConfigurationCustomizer migrateWithoutLimits(
            DataSource dataSource, JdbcConnectionDetails details, FlywayProperties flyway) {
        return configuration -> {
            try {
                Properties properties = new Properties();
                properties.putAll(dataSource.unwrap(HikariDataSource.class).getDataSourceProperties());
                properties.remove(DatabaseConfiguration.OPTIONS);
                properties.remove(DatabaseConfiguration.SOCKET_TIMEOUT);
                String url = flyway.getUrl() == null ? details.getJdbcUrl() : flyway.getUrl();
                DriverManagerDataSource unlimited = new DriverManagerDataSource(url, properties);
                boolean ownUser = flyway.getUser() != null;
                unlimited.setUsername(ownUser ? flyway.getUser() : details.getUsername());
                unlimited.setPassword(ownUser ? flyway.getPassword() : details.getPassword());
                configuration.dataSource(unlimited).connectRetries(Math.max(RETRIES, flyway.getConnectRetries()));
            } catch (SQLException e) {
                throw new IllegalStateException("Requests do not queue for this pool", e);
            }
        };
    }
}
