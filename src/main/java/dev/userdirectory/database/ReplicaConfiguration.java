package dev.userdirectory.database;

import com.zaxxer.hikari.HikariDataSource;
import javax.sql.DataSource;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.boot.context.properties.bind.Bindable;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.jdbc.autoconfigure.JdbcConnectionDetails;
import org.springframework.boot.jdbc.health.DataSourceHealthIndicator;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.env.Environment;

@Configuration(proxyBeanMethods = false)
@EnableConfigurationProperties(ReplicaProperties.class)
class ReplicaConfiguration {
    static final String REPLICA = "replica";
    /** The shortest connection timeout that HikariCP accepts. */
    private static final long MIN_MILLIS = 250;

    /** Configured like the primary's pool, but with a shorter timeout, since queries can fall back to the primary. */
    @Bean(name = REPLICA, defaultCandidate = false)
    @ConditionalOnProperty("directory.replica.url")
    HikariDataSource replica(ReplicaProperties replica, JdbcConnectionDetails primary, Environment env) {
        HikariDataSource pool = new HikariDataSource();
        Binder.get(env).bind("spring.datasource.hikari", Bindable.ofInstance(pool));
        pool.setPoolName(REPLICA);
        pool.setJdbcUrl(replica.url());
        pool.setUsername(replica.username() == null ? primary.getUsername() : replica.username());
        pool.setPassword(replica.password() == null ? primary.getPassword() : replica.password());
        pool.setReadOnly(true);
        // A replica that is down must not hold up the first query that would read from it.
        pool.setInitializationFailTimeout(-1);
        pool.setConnectionTimeout(Math.max(MIN_MILLIS, replica.patience().toMillis()));
        pool.addDataSourceProperty("targetServerType", "any");
        // In seconds, and longer than a request may take. Detects a server that has vanished without closing its
        // connections.
        pool.addDataSourceProperty("socketTimeout", "10");
        return pool;
    }

    /** Replaces Spring Boot's indicator, which checks every pool: without its replica the service is still healthy. */
    @Bean
    @ConditionalOnProperty("directory.replica.url")
    DataSourceHealthIndicator dbHealthContributor(DataSource primary) {
        return new DataSourceHealthIndicator(primary);
    }
}
