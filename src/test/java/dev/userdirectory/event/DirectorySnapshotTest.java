package dev.userdirectory.event;

import static org.assertj.core.api.Assertions.assertThat;

import dev.userdirectory.Directory;
import dev.userdirectory.DirectoryTest;
import dev.userdirectory.Waiting;
import dev.userdirectory.relay.Cursors;
import java.sql.Connection;
import java.time.Duration;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.jdbc.core.ConnectionCallback;
import org.springframework.jdbc.core.JdbcTemplate;

@DirectoryTest
class DirectorySnapshotTest {
    private static final String NAME = "a snapshot of a test";

    @Autowired
    DirectorySnapshots snapshots;

    @Autowired
    DirectoryEvents events;

    @Autowired
    Cursors cursors;

    @Autowired
    Directory directory;

    @Autowired
    JdbcTemplate jdbc;

    @Test
    void showsTheSameAsLongAsItIsOpen() throws Exception {
        try (DirectorySnapshot snapshot = snapshots.open(NAME, Duration.ofMinutes(1))) {
            long before = count(snapshot.jdbc());
            directory.createUser();

            assertThat(count(snapshot.jdbc())).isEqualTo(before);
        }
        Waiting.until(() -> !isOpen());
    }

    @Test
    void isEndedByPostgresIfTheServiceDoesNotEndIt() throws Exception {
        DirectorySnapshot snapshot = snapshots.open(NAME, Duration.ofSeconds(5));
        try (snapshot) {
            assertThat(isOpen()).isTrue();
            Waiting.until(() -> !isOpen());
        }
    }

    /** To PostgreSQL, a slow client looks like a transaction that is idle. A slow disk may return no row for a while. */
    @Test
    void waitsLongForClientsAndForDisksButNotForASilentNetwork() throws Exception {
        try (DirectorySnapshot idle = snapshots.open(NAME, Duration.ofMinutes(1));
                DirectorySnapshot slow = snapshots.open(NAME, Duration.ofMinutes(1))) {
            long before = count(idle.jdbc());

            slow.jdbc().execute("select pg_sleep(11)");

            assertThat(count(slow.jdbc())).isEqualTo(before);
            assertThat(count(idle.jdbc())).isEqualTo(before);
            Integer patience = slow.jdbc().execute((ConnectionCallback<Integer>) Connection::getNetworkTimeout);
            assertThat(patience).isEqualTo(60_000);
        }
    }

    /** As in a directory that was loaded with its triggers disabled. The events are deleted as no trimming does it. */
    @Test
    void cursorBeforeTheFirstEventIsValidUntilEventsAreTrimmed() throws Exception {
        jdbc.update("delete from user_events");
        jdbc.update("truncate trimmed_events, trimmed_group_events");
        Position start;
        try (DirectorySnapshot snapshot = snapshots.open(NAME, Duration.ofMinutes(1))) {
            start = Position.of(snapshot.cursor(), cursors);
        }
        String user = directory.createUser();

        assertThat(start.isStart()).isTrue();
        assertThat(events.isKept(start, EventFilter.ALL)).isTrue();
        assertThat(events.read(start, Position.START, EventFilter.ALL, 10))
                .extracting(DirectoryEvent::getUserId)
                .containsExactly(user);

        jdbc.update("delete from user_events");
        assertThat(events.isKept(start, EventFilter.ALL)).isFalse();
    }

    private static long count(JdbcTemplate from) {
        return Objects.requireNonNull(from.queryForObject("select count(*) from users", Long.class));
    }

    private boolean isOpen() {
        return Boolean.TRUE.equals(jdbc.queryForObject(
                "select exists (select from pg_stat_activity where application_name = ?)", Boolean.class, NAME));
    }
}
