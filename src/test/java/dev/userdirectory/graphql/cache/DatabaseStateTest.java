package dev.userdirectory.graphql.cache;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.userdirectory.PostgresPair;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import javax.sql.DataSource;
import org.flywaydb.core.Flyway;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.springframework.dao.DataAccessException;
import org.springframework.jdbc.core.JdbcTemplate;

@Timeout(120)
class DatabaseStateTest {
    private static final PostgresPair SERVERS = new PostgresPair();

    private final JdbcTemplate primary = new JdbcTemplate(SERVERS.primary().getPostgresDatabase());
    private final JdbcTemplate replica = new JdbcTemplate(SERVERS.replica().getPostgresDatabase());
    private final DatabaseState database = new DatabaseState(primary);

    @BeforeAll
    static void migrate() {
        migrate(SERVERS.primary().getPostgresDatabase());
    }

    @Test
    void isAnotherAfterEveryCommit() {
        String before = database.current();

        assertThat(database.current()).isNotNull().isEqualTo(before);
        primary.execute("create table t ()");
        assertThat(database.current()).isNotNull().isNotEqualTo(before);
    }

    /** A promoted replica continues numbering transactions from its own last number. */
    @Test
    void isAnotherOnServerThatTookOver() {
        await().until(() -> snapshot(primary).equals(snapshot(replica)));

        assertThat(new DatabaseState(replica).current()).isNotNull().isNotEqualTo(database.current());
    }

    @Test
    void isAnotherInOtherDatabaseOfTheServer() {
        primary.execute("create database other");
        DataSource other = SERVERS.primary().getDatabase("postgres", "other");
        migrate(other);
        DatabaseState stateOfOther = new DatabaseState(new JdbcTemplate(other));

        assertThat(stateOfOther.current()).isNotNull().isNotEqualTo(database.current());
        assertThat(stateOfOther.identity()).isNotNull().isNotEqualTo(database.identity());
    }

    /**
     * A backend is killed, so all of them restart, but the server does not. A transaction whose log had not been
     * flushed is lost, and the next one gets its number.
     */
    @Test
    void isAnotherAfterCrash() throws Exception {
        primary.execute("create table crashed (attempt int)");
        primary.execute("alter system set wal_writer_delay = '10s'");
        primary.execute("select pg_reload_conf()");
        for (int attempt = 0; attempt < 10; attempt++) {
            insertWithoutFlushing(attempt);
            String snapshot = snapshot(primary);
            String state = database.current();

            crash();
            boolean lost = primary.queryForList("select from crashed where attempt = ?", attempt)
                    .isEmpty();
            primary.update("insert into crashed values (-1)");

            // Housekeeping may have flushed the log or used a number.
            if (lost && snapshot(primary).equals(snapshot)) {
                assertThat(database.current()).isNotNull().isNotEqualTo(state);
                return;
            }
        }
        throw new AssertionError("No crash made the snapshot repeat");
    }

    private void insertWithoutFlushing(int attempt) throws SQLException {
        try (Connection connection = SERVERS.primary().getPostgresDatabase().getConnection();
                Statement statement = connection.createStatement()) {
            statement.execute("set synchronous_commit = off");
            statement.execute("insert into crashed values (" + attempt + ")");
        }
    }

    private void crash() throws SQLException {
        try (Connection connection = SERVERS.primary().getPostgresDatabase().getConnection();
                Statement statement = connection.createStatement();
                var pid = statement.executeQuery("select pg_backend_pid()")) {
            pid.next();
            ProcessHandle.of(pid.getLong(1)).orElseThrow().destroyForcibly();
        }
        await().ignoreExceptionsInstanceOf(DataAccessException.class).until(() -> snapshot(primary) != null);
    }

    private static void migrate(DataSource database) {
        Flyway.configure()
                .dataSource(database)
                .locations("filesystem:db/migration")
                .load()
                .migrate();
    }

    private static String snapshot(JdbcTemplate server) {
        return String.valueOf(server.queryForObject("select pg_current_snapshot()", String.class));
    }
}
