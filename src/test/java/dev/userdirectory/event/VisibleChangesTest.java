package dev.userdirectory.event;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.userdirectory.PostgresPair;
import dev.userdirectory.graphql.cache.CommittedChanges.Changes;
import dev.userdirectory.graphql.cache.Dependencies;
import dev.userdirectory.group.Group;
import dev.userdirectory.relay.GlobalId;
import dev.userdirectory.user.User;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.UUID;
import javax.sql.DataSource;
import org.flywaydb.core.Flyway;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.springframework.dao.DataAccessException;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.jdbc.datasource.SingleConnectionDataSource;

@Timeout(120)
class VisibleChangesTest {
    private static final PostgresPair SERVERS = new PostgresPair();

    private final JdbcTemplate primary = new JdbcTemplate(SERVERS.primary().getPostgresDatabase());
    private final JdbcTemplate replica = new JdbcTemplate(SERVERS.replica().getPostgresDatabase());
    private final VisibleChanges changes = new VisibleChanges(primary);

    @BeforeAll
    static void migrate() {
        migrate(SERVERS.primary().getPostgresDatabase());
        // Before an older transaction than the first event, events may have been trimmed.
        insertUser(new JdbcTemplate(SERVERS.primary().getPostgresDatabase()));
    }

    @Test
    void namesEverythingThatAMembershipChanges() {
        UUID user = insertUser(primary);
        UUID group = insertGroup();
        String before = snapshot();
        primary.update("insert into group_members values (?, ?, now())", group, user);

        assertThat(changes.since(before).changed())
                .containsExactlyInAnyOrder(
                        Dependencies.MEMBERSHIPS,
                        "Group.members " + id(group),
                        "User.groups " + new GlobalId(User.TYPE, user));
    }

    @Test
    void eventOfANewerVersionMayChangeEverything() {
        String check = primary.queryForObject(
                "select pg_get_constraintdef(oid) from pg_constraint where conname = 'user_events_type_check'",
                String.class);
        String before = snapshot();
        primary.execute("alter table user_events drop constraint user_events_type_check");
        try {
            primary.update("insert into user_events (type, group_id) values ('MEMBER_INVITED', gen_random_uuid())");

            assertThat(changes.since(before).changed()).isNull();
        } finally {
            primary.update("delete from user_events where type = 'MEMBER_INVITED'");
            primary.execute("alter table user_events add constraint user_events_type_check " + check);
        }
    }

    @Test
    void namesEverythingThatADeletedGroupChanges() {
        UUID user = insertUser(primary);
        UUID group = insertGroup();
        primary.update("insert into group_members values (?, ?, now())", group, user);
        String before = snapshot();
        primary.update("delete from groups where id = ?", group);

        assertThat(changes.since(before).changed())
                .containsExactlyInAnyOrder(
                        "Group",
                        Dependencies.MEMBERSHIPS,
                        id(group),
                        "Group.members " + id(group),
                        "User.groups " + new GlobalId(User.TYPE, user));
    }

    @Test
    void findsAnEventThatWasAppendedBeforeOthersAndCommittedAfterThem() throws SQLException {
        try (Connection late = SERVERS.primary().getPostgresDatabase().getConnection()) {
            late.setAutoCommit(false);
            UUID lateUser = insertUser(new JdbcTemplate(new SingleConnectionDataSource(late, true)));
            insertUser(primary);
            String before = snapshot();

            assertThat(changes.since(before).changed()).isEmpty();
            late.commit();

            assertThat(changes.since(before).changed())
                    .containsExactlyInAnyOrder("User", new GlobalId(User.TYPE, lateUser).toString());
            assertThat(changes.since(snapshot()).changed()).isEmpty();
        }
    }

    @Test
    void doesNotNameMoreThanAThousandEvents() {
        String before = snapshot();
        insertUsers(1001);

        assertThat(changes.since(before).changed()).isNull();
    }

    /** They are searched, because a transaction that began before them has ended. */
    @Test
    void doesNotCountEventsThatWereVisibleBefore() throws SQLException {
        try (Connection old = beginTransaction()) {
            insertUsers(1001);
            String before = snapshot();
            UUID user = insertUser(primary);
            old.rollback();

            assertThat(changes.since(before).changed())
                    .containsExactlyInAnyOrder("User", new GlobalId(User.TYPE, user).toString());
        }
    }

    @Test
    void doesNotSearchMoreThanTenThousandEvents() throws SQLException {
        try (Connection old = beginTransaction()) {
            insertUsers(10_001);
            String before = snapshot();
            old.rollback();

            assertThat(changes.since(before).changed()).isNull();
        }
    }

    @Test
    void isUnchangedUntilATransactionEnds() {
        Changes now = changes.since(null);
        assertThat(changes.isUnchanged(now.server(), now.snapshot())).isTrue();
        assertThat(changes.isUnchanged("another", now.snapshot())).isFalse();

        insertUser(primary);

        assertThat(changes.isUnchanged(now.server(), now.snapshot())).isFalse();
    }

    @Test
    void doesNotKnowWhatATrimmedEventChanged() {
        String before = snapshot();
        insertUser(primary);
        insertUser(primary);
        primary.update("delete from user_events where transaction < (select max(transaction) from user_events)");

        assertThat(changes.since(before).changed()).isNull();
    }

    /** A promoted replica continues numbering transactions from its own last number. */
    @Test
    void serverDiffersAfterATakeover() {
        await().until(() -> changes.since(null).snapshot().equals(snapshot(replica)));

        assertThat(new VisibleChanges(replica).since(null).server())
                .isNotEqualTo(changes.since(null).server());
    }

    @Test
    void serverDiffersInAnotherDatabase() {
        primary.execute("create database other");
        DataSource database = SERVERS.primary().getDatabase("postgres", "other");
        migrate(database);
        VisibleChanges other = new VisibleChanges(new JdbcTemplate(database));

        assertThat(other.since(null).server()).isNotEqualTo(changes.since(null).server());
        assertThat(other.identity()).isNotEqualTo(changes.identity());
    }

    @Test
    void serverDiffersOnceTheLogIsAnotherTable() {
        String before = changes.since(null).server();
        primary.execute("alter table user_events rename to earlier_events");
        primary.execute("create table user_events (like earlier_events including all)");
        try {
            assertThat(changes.since(null).server()).isNotEqualTo(before);
        } finally {
            primary.execute("drop table user_events");
            primary.execute("alter table earlier_events rename to user_events");
        }
        assertThat(changes.since(null).server()).isEqualTo(before);
    }

    /**
     * A backend is killed, so all of them restart, but the server does not. A transaction whose log had not been
     * flushed is lost, and the next one gets its number.
     */
    @Test
    void serverDiffersAfterACrash() throws Exception {
        primary.execute("create table crashed (attempt int)");
        primary.execute("alter system set wal_writer_delay = '10s'");
        primary.execute("select pg_reload_conf()");
        for (int attempt = 0; attempt < 10; attempt++) {
            insertWithoutFlushing(attempt);
            Changes before = changes.since(null);

            crash();
            boolean lost = primary.queryForList("select from crashed where attempt = ?", attempt)
                    .isEmpty();
            primary.update("insert into crashed values (-1)");

            Changes after = changes.since(null);
            // Housekeeping may have flushed the log or used a number.
            if (lost && after.snapshot().equals(before.snapshot())) {
                assertThat(after.server()).isNotEqualTo(before.server());
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

    private static UUID insertUser(JdbcTemplate jdbc) {
        UUID id = UUID.randomUUID();
        jdbc.update(
                "insert into users (id, name, email, active, created_at, updated_at, version)"
                        + " values (?, 'User', ?, true, now(), now(), 0)",
                id,
                id + "@example.com");
        return id;
    }

    /** The transaction has a number already. */
    private static Connection beginTransaction() throws SQLException {
        Connection connection = SERVERS.primary().getPostgresDatabase().getConnection();
        connection.setAutoCommit(false);
        new JdbcTemplate(new SingleConnectionDataSource(connection, true)).queryForList("select pg_current_xact_id()");
        return connection;
    }

    private void insertUsers(int count) {
        primary.update("""
                insert into users (id, name, email, active, created_at, updated_at, version)
                select gen_random_uuid(), 'User', gen_random_uuid() || '@example.com', true, now(), now(), 0
                from generate_series(1, ?)""", count);
    }

    private UUID insertGroup() {
        UUID id = UUID.randomUUID();
        primary.update(
                "insert into groups (id, name, created_at, updated_at, version) values (?, 'Group', now(), now(), 0)",
                id);
        return id;
    }

    private static String id(UUID group) {
        return new GlobalId(Group.TYPE, group).toString();
    }

    private static void migrate(DataSource database) {
        Flyway.configure()
                .dataSource(database)
                .locations("filesystem:db/migration")
                .load()
                .migrate();
    }

    private String snapshot() {
        return snapshot(primary);
    }

    private static String snapshot(JdbcTemplate server) {
        return String.valueOf(server.queryForObject("select pg_current_snapshot()", String.class));
    }
}
