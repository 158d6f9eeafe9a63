package dev.userdirectory.cache;

import static org.assertj.core.api.Assertions.assertThat;

import dev.userdirectory.PostgresPair;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.springframework.jdbc.core.JdbcTemplate;

@Timeout(60)
class DatabaseStateTest {
    private final PostgresPair servers = new PostgresPair();
    private final JdbcTemplate primary = new JdbcTemplate(servers.primary().getPostgresDatabase());
    private final JdbcTemplate replica = new JdbcTemplate(servers.replica().getPostgresDatabase());

    @Test
    void isAnotherAfterEveryCommit() {
        DatabaseState database = new DatabaseState(primary);
        String before = database.current();

        assertThat(database.current()).isNotNull().isEqualTo(before);
        primary.execute("create table t ()");
        assertThat(database.current()).isNotNull().isNotEqualTo(before);
    }

    /** A replica that is promoted numbers its transactions from where it was. */
    @Test
    void isAnotherOnServerThatTookOver() throws InterruptedException {
        while (!snapshot(primary).equals(snapshot(replica))) {
            Thread.sleep(10);
        }

        assertThat(new DatabaseState(replica).current()).isNotNull().isNotEqualTo(new DatabaseState(primary).current());
    }

    private static String snapshot(JdbcTemplate server) {
        return String.valueOf(server.queryForObject("select pg_current_snapshot()", String.class));
    }
}
