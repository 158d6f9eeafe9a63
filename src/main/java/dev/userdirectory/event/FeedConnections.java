package dev.userdirectory.event;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.zaxxer.hikari.HikariCredentialsProvider;
import com.zaxxer.hikari.HikariDataSource;
import com.zaxxer.hikari.util.Credentials;
import java.net.URLEncoder;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Properties;
import javax.sql.DataSource;
import org.postgresql.Driver;
import org.springframework.stereotype.Component;

/**
 * Opens connections outside the pool, for permanent background work that must not wait for requests. They have the
 * pool's settings, so that {@code sslmode=verify-full}, for example, applies to them, too.
 */
@Component
class FeedConnections {
    private static final Duration PATIENCE = Duration.ofSeconds(10);

    /** Short, so that work resumes soon after an unresponsive database is back. */
    private static final Duration SHORT_PATIENCE = Duration.ofSeconds(2);

    /**
     * How long a connection that holds locks may be silent before PostgreSQL ends it. The instance may have vanished, or
     * been cut off by a silent network, and no other instance can take the locks until then.
     */
    private static final Duration SILENCE = Duration.ofSeconds(4);

    private final HikariDataSource pool;
    private final EventProperties properties;

    FeedConnections(DataSource pool, EventProperties properties) throws SQLException {
        this.pool = pool.unwrap(HikariDataSource.class);
        this.properties = properties;
    }

    /** @param name the connection's {@code application_name} in PostgreSQL */
    FeedConnection open(String name) throws SQLException {
        return open(pool.getJdbcUrl(), name, PATIENCE);
    }

    /** Opens a connection that times out soon, until {@link FeedConnection#patience} extends the timeout. */
    FeedConnection openForSnapshot(String name) throws SQLException {
        return open(pool.getJdbcUrl(), name, SHORT_PATIENCE);
    }

    /**
     * Opens a connection on which {@code listen} and locks of the session work, even if the pool's URL leads through a
     * transaction pooler.
     */
    FeedConnection openToListen(String name) throws SQLException {
        return open(listenUrl(), name, SHORT_PATIENCE);
    }

    /**
     * Opens a connection to hold locks of the session. If PostgreSQL gets no statement for a few seconds, it ends the
     * connection, which releases the locks.
     */
    FeedConnection openToLock(String name) throws SQLException {
        String url = listenUrl();
        Properties ofUrl = Driver.parseURL(url, pool.getDataSourceProperties());
        String others = ofUrl == null ? "" : ofUrl.getProperty("options", "");
        // At the start of the connection, since a pooler would hand the session with this setting to other clients.
        String options = URLEncoder.encode(others + " -c idle_session_timeout=" + SILENCE.toMillis(), UTF_8);
        return open(url + (url.contains("?") ? "&" : "?") + "options=" + options, name, SHORT_PATIENCE);
    }

    private String listenUrl() {
        return properties.url() == null ? pool.getJdbcUrl() : properties.url();
    }

    private FeedConnection open(String url, String name, Duration patience) throws SQLException {
        Properties driver = new Properties();
        driver.putAll(pool.getDataSourceProperties());
        HikariCredentialsProvider provider = pool.getCredentialsProvider();
        Credentials credentials = provider == null ? pool.getCredentials() : provider.getCredentials();
        if (credentials.getUsername() != null) {
            driver.setProperty("user", credentials.getUsername());
        }
        if (credentials.getPassword() != null) {
            driver.setProperty("password", credentials.getPassword());
        }
        driver.setProperty("ApplicationName", name);
        // Detects a server that has vanished without closing its connections.
        driver.setProperty("socketTimeout", String.valueOf(patience.toSeconds()));
        Connection connection = DriverManager.getConnection(url, driver);
        if (pool.getSchema() != null) {
            connection.setSchema(pool.getSchema());
        }
        FeedConnection opened = new FeedConnection(connection);
        // Again, since the URL's own socketTimeout overrides the property.
        opened.patience(patience);
        return opened;
    }
}
