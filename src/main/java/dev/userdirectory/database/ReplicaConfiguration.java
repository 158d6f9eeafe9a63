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
    /** The least that the pool takes. */
    private static final long MIN_MILLIS = 250;

    /** As the primary's pool is configured, but that a connection is not waited for as long: there is the primary. */
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
        // A replica that is down must not hold up the first query that would read it.
        pool.setInitializationFailTimeout(-1);
        pool.setConnectionTimeout(Math.max(MIN_MILLIS, replica.patience().toMillis()));
        // Of seconds, longer than a request may take: a server that is gone without a word is noticed.
        pool.addDataSourceProperty("socketTimeout", "10");
        return pool;
    }

    /** In Spring Boot's place, which asks every pool: the service is as well without the replica as with it. */
    @Bean
    @ConditionalOnProperty("directory.replica.url")
    DataSourceHealthIndicator dbHealthContributor(DataSource primary) {
        return new DataSourceHealthIndicator(primary);
    }
}
