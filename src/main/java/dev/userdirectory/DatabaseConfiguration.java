package dev.userdirectory;

import com.zaxxer.hikari.HikariDataSource;
import dev.userdirectory.database.DatabaseProperties;
import dev.userdirectory.database.DeadlineDataSource;
import dev.userdirectory.database.PoolThreads;
import dev.userdirectory.graphql.limit.Limits;
import dev.userdirectory.observability.TracedDataSource;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.binder.MeterBinder;
import io.micrometer.tracing.Tracer;
import java.sql.SQLException;
import java.time.Duration;
import java.util.StringJoiner;
import javax.sql.DataSource;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.beans.factory.config.BeanPostProcessor;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.context.ApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** The chain of data sources in front of PostgreSQL: traced, watched by deadlines, queued, pooled. */
@Configuration(proxyBeanMethods = false)
@EnableConfigurationProperties(DatabaseProperties.class)
class DatabaseConfiguration {
    /** The driver's property for server settings that apply to a connection for its whole life. */
    static final String OPTIONS = "options";

    static final String SOCKET_TIMEOUT = "socketTimeout";
    private static final Duration SLACK = Duration.ofSeconds(1);

    /** Wraps each pool: the primary's and the replica's. */
    @Bean
    static BeanPostProcessor wrapPools(
            ObjectProvider<DatabaseProperties> database, ObjectProvider<Limits> limits, ObjectProvider<Tracer> tracer) {
        return new BeanPostProcessor() {
            @Override
            public Object postProcessAfterInitialization(Object bean, String name) {
                if (!(bean instanceof DataSource dataSource)) {
                    return bean;
                }
                try {
                    HikariDataSource pool = dataSource.unwrap(HikariDataSource.class);
                    limit(pool, database.getObject(), limits.getObject().deadline());
                    PoolThreads threads = new PoolThreads();
                    pool.setThreadFactory(threads);
                    return new TracedDataSource(new DeadlineDataSource(dataSource, threads), tracer);
                } catch (SQLException e) {
                    throw new IllegalStateException(name + " is not of the pool that requests queue for", e);
                }
            }
        };
    }

    /** The second line of defence: these timeouts apply even if the service crashes and cancels nothing. */
    private static void limit(HikariDataSource pool, DatabaseProperties database, Duration deadline) {
        StringJoiner options = new StringJoiner(" ");
        String own = pool.getDataSourceProperties().getProperty(OPTIONS);
        if (!database.grace().isZero()) {
            // A server that has vanished enforces no timeout, so the socket has one. Health checks rely on it as well.
            Duration silence = deadline.plus(database.grace()).plus(SLACK);
            pool.getDataSourceProperties().putIfAbsent(SOCKET_TIMEOUT, String.valueOf(silence.toSeconds()));
            long millis = deadline.plus(database.grace()).toMillis();
            options.add("-c statement_timeout=" + millis).add("-c idle_in_transaction_session_timeout=" + millis);
        }
        if (!database.clientCheck().isZero()) {
            options.add("-c client_connection_check_interval="
                    + database.clientCheck().toMillis());
        }
        if (own != null) {
            // If an option is repeated, the last one counts.
            options.add(own);
        }
        if (options.length() > 0) {
            pool.addDataSourceProperty(OPTIONS, options.toString());
        }
    }

    /**
     * Tagged with the name of the pool, so that the requests waiting here can be added to those waiting inside the
     * pool.
     */
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
                throw new IllegalStateException("Requests do not queue for this data source", e);
            }
        });
    }
}
