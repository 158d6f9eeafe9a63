package dev.userdirectory.database;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.zaxxer.hikari.HikariDataSource;
import dev.userdirectory.DirectoryTest;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.time.Duration;
import javax.sql.DataSource;
import org.flywaydb.core.Flyway;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.beans.factory.annotation.Qualifier;
import org.springframework.boot.jdbc.autoconfigure.JdbcConnectionDetails;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.jdbc.datasource.DriverManagerDataSource;
import org.springframework.test.context.TestPropertySource;

/** PostgreSQL itself ends statements that no deadline of the service stops. */
@DirectoryTest
@TestPropertySource(
        properties = {
            "directory.limits.deadline=1500ms",
            "directory.database.grace=500ms",
            "directory.database.client-check=200ms",
            "directory.replica.url=jdbc:postgresql://localhost:1/none",
            "spring.datasource.hikari.data-source-properties.ApplicationName=second-line",
            "spring.datasource.hikari.data-source-properties.options=-c work_mem=5MB"
        })
class SecondLineTest {
    private static final Duration SOON = Duration.ofMillis(1200);

    @Autowired
    DataSource primary;

    @Autowired
    JdbcTemplate jdbc;

    @Autowired
    JdbcConnectionDetails postgres;

    @Test
    void statementsEndSomeTimeAfterTheDeadline() {
        long started = System.nanoTime();
        assertThatThrownBy(() -> jdbc.execute("select pg_sleep(20)"))
                .hasRootCauseInstanceOf(SQLException.class)
                .hasMessageContaining("statement timeout");
        assertThat(Duration.ofNanos(System.nanoTime() - started))
                .isBetween(Duration.ofSeconds(2), Duration.ofSeconds(5));
    }

    @Test
    void idleTransactionsEnd() throws SQLException {
        try (Connection connection = primary.getConnection()) {
            connection.setAutoCommit(false);
            connection.createStatement().execute("select 1");
            assertThat(running("idle in transaction")).isOne();
            await().until(() -> running("idle in transaction") == 0);
            assertThatThrownBy(() -> connection.createStatement().execute("select 1"))
                    .isInstanceOf(SQLException.class);
        }
    }

    @Test
    void statementsEndAfterTheirServiceHasVanished() throws Exception {
        Duration fastest = abort();
        for (int retry = 0; retry < 2 && fastest.compareTo(SOON) >= 0; retry++) {
            fastest = abort();
        }
        assertThat(fastest).isLessThan(SOON);
    }

    /** Disconnects without cancelling a statement, and returns how long it still takes. */
    private Duration abort() throws Exception {
        Connection connection = primary.getConnection();
        Thread waiting = Thread.startVirtualThread(() -> {
            try (PreparedStatement sleep = connection.prepareStatement("select pg_sleep(1.9)")) {
                sleep.execute();
            } catch (SQLException e) {
                // The statement was aborted.
            }
        });
        await().until(() -> running("active") == 1);
        long started = System.nanoTime();
        connection.abort(Runnable::run);
        await().pollInterval(Duration.ofMillis(20)).until(() -> running("active") == 0);
        Duration taken = Duration.ofNanos(System.nanoTime() - started);
        waiting.join();
        return taken;
    }

    private int running(String state) {
        Integer count = new JdbcTemplate(new DriverManagerDataSource(
                        postgres.getJdbcUrl(),
                        String.valueOf(postgres.getUsername()),
                        String.valueOf(postgres.getPassword())))
                .queryForObject(
                        "select count(*) from pg_stat_activity where application_name = 'second-line' and state = ?",
                        Integer.class,
                        state);
        return count == null ? 0 : count;
    }

    @Test
    void migrationsHaveNoTimeout(@Autowired Flyway flyway) {
        JdbcTemplate migrations = new JdbcTemplate(flyway.getConfiguration().getDataSource());
        for (String setting : new String[] {
            "statement_timeout", "idle_in_transaction_session_timeout", "client_connection_check_interval"
        }) {
            assertThat(migrations.queryForObject("show " + setting, String.class))
                    .isEqualTo("0");
            assertThat(jdbc.queryForObject("show " + setting, String.class)).isNotEqualTo("0");
        }
    }

    @Test
    void replicaHasTheSameTimeouts(@Autowired @Qualifier("replica") DataSource replica) throws SQLException {
        assertThat(replica.unwrap(HikariDataSource.class)
                        .getDataSourceProperties()
                        .getProperty("options"))
                .contains("statement_timeout=2000", "client_connection_check_interval=200", "work_mem=5MB");
    }
}
