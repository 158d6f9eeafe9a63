package dev.userdirectory.event;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.zaxxer.hikari.HikariDataSource;
import dev.userdirectory.DirectoryTest;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.net.URI;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.jdbc.autoconfigure.JdbcConnectionDetails;

@DirectoryTest
class FeedConnectionsTest {
    @Autowired
    JdbcConnectionDetails postgres;

    @Autowired
    DataSource dataSource;

    @Test
    void connectionHasTheDriverPropertiesAndTheSchemaOfThePool() throws SQLException {
        try (HikariDataSource pool = pool()) {
            pool.addDataSourceProperty("options", "-c work_mem=5MB");
            pool.setSchema("pg_catalog");
            try (FeedConnection connection = connections(pool, null).open("a name")) {
                assertThat(show(connection, "work_mem")).isEqualTo("5MB");
                assertThat(show(connection, "application_name")).isEqualTo("a name");
                assertThat(connection.jdbc().queryForObject("select current_schema()", String.class))
                        .isEqualTo("pg_catalog");
            }
        }
    }

    @Test
    void parametersOfTheUrlLeaveTheTimeoutsAsTheyAre() throws SQLException {
        try (HikariDataSource pool = pool()) {
            pool.setJdbcUrl(withParameters(pool.getJdbcUrl(), "options=-c%20work_mem=5MB&socketTimeout=600"));
            try (FeedConnection connection = connections(pool, null).openToLock("a name")) {
                assertThat(show(connection, "work_mem")).isEqualTo("5MB");
                assertThat(show(connection, "idle_session_timeout")).isEqualTo("4s");
                assertThatThrownBy(() -> connection.jdbc().execute("select pg_sleep(5)"))
                        .hasRootCauseInstanceOf(SocketTimeoutException.class);
            }
        }
    }

    private static String withParameters(String url, String parameters) {
        return url + (url.contains("?") ? "&" : "?") + parameters;
    }

    /** The tests' server has no certificate. */
    @Test
    void connectionNeedsTheEncryptionThatThePoolDemands() {
        try (HikariDataSource pool = pool()) {
            pool.addDataSourceProperty("sslmode", "verify-full");
            assertThatThrownBy(() -> connections(pool, null).open("a name")).hasMessageContaining("SSL");
            assertThatThrownBy(() -> connections(pool, postgres.getJdbcUrl()).openToListen("a name"))
                    .hasMessageContaining("SSL");
        }
    }

    /** A host that has vanished does not refuse connections: it does not respond at all. */
    @Test
    void connectionSkipsAHostThatHasVanished() throws Exception {
        URI live = URI.create(Objects.requireNonNull(postgres.getJdbcUrl()).substring("jdbc:".length()));
        try (ServerSocket vanished = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
                Socket first = new Socket(vanished.getInetAddress(), vanished.getLocalPort());
                Socket second = new Socket(vanished.getInetAddress(), vanished.getLocalPort())) {
            assertThat(List.of(first, second)).as("They fill its queue").allMatch(Socket::isConnected);
            String url = "jdbc:postgresql://127.0.0.1:%d,%s:%d%s"
                    .formatted(vanished.getLocalPort(), live.getHost(), live.getPort(), live.getRawPath());
            FeedConnections ofTheService =
                    new FeedConnections(dataSource.unwrap(HikariDataSource.class), properties(url));
            try (FeedConnection connection = ofTheService.openToListen("a name")) {
                assertThat(show(connection, "application_name")).isEqualTo("a name");
            }
        }
    }

    private static FeedConnections connections(HikariDataSource pool, @Nullable String url) throws SQLException {
        return new FeedConnections(pool, properties(url));
    }

    private static EventProperties properties(@Nullable String url) {
        return new EventProperties(Duration.ZERO, 0, true, Duration.ZERO, Duration.ZERO, url);
    }

    private static String show(FeedConnection connection, String setting) {
        return String.valueOf(connection.jdbc().queryForObject("show " + setting, String.class));
    }

    private HikariDataSource pool() {
        HikariDataSource pool = new HikariDataSource();
        pool.setJdbcUrl(postgres.getJdbcUrl());
        pool.setUsername(postgres.getUsername());
        pool.setPassword(postgres.getPassword());
        return pool;
    }
}
