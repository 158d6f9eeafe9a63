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
 * Gives migrations connections of their own, without statement timeouts, because a migration may take as long as it
 * needs. Apart from that, these connections have the pool's driver properties, even if they log in as another user.
 */
@Configuration(proxyBeanMethods = false)
class MigrationConnections {
    /** Flyway pauses for 1, 2, 4 and 8 seconds before them. The pool keeps trying for about as long when it starts. */
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
