package dev.userdirectory.mutation;

import static org.assertj.core.api.Assertions.assertThat;

import dev.userdirectory.Client;
import dev.userdirectory.Directory;
import dev.userdirectory.DirectoryTest;
import dev.userdirectory.SharedSettings;
import dev.userdirectory.TestPostgres;
import dev.userdirectory.Tokens;
import dev.userdirectory.Waiting;
import dev.userdirectory.relay.GlobalIds;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.postgresql.PGConnection;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.jdbc.core.JdbcTemplate;

/** Another program's transaction holds an address, a user, a group, and a membership, for which mutations wait. */
@DirectoryTest
@SharedSettings // the deadline
class LockedRowsTest {
    private static final int REQUESTS = 20;
    /** The number of transactions that wait for locks without a timeout. */
    private static final int PATIENT = Runtime.getRuntime().availableProcessors();

    @Autowired
    Client client;

    @Autowired
    Directory directory;

    @Autowired
    GlobalIds ids;

    @Autowired
    JdbcTemplate jdbc;

    @ParameterizedTest
    @ValueSource(
            strings = {
                "createUser(name: \"Al\", email: \"EMAIL\", idempotencyKey: \"KEY\")",
                "createUsers(users: [{name: \"Al\", email: \"EMAIL\"}])",
                "createUsers(users: [{name: \"Al\", email: \"EMAIL\"}], idempotencyKey: \"KEY\")",
                "upsertUsers(users: [{name: \"Al\", email: \"EMAIL\"}])",
                "updateUser(id: \"USER\", email: \"EMAIL\")",
                "updateUsers(users: [{id: \"USER\", email: \"EMAIL\"}])",
                "updateUser(id: \"LOCKED_USER\", name: \"Al\")",
                "updateUser(id: \"LOCKED_USER\", name: \"Al\", idempotencyKey: \"same\")",
                "deleteUser(id: \"LOCKED_USER\")",
                "deleteUsers(ids: [\"LOCKED_USER\"])",
                "updateGroup(id: \"LOCKED_GROUP\", name: \"All\")",
                "deleteGroup(id: \"LOCKED_GROUP\")",
                "deleteGroup(id: \"CROWDED\")",
                "deleteGroup(id: \"CROWDED\", idempotencyKey: \"KEY\")",
                "addGroupMembers(groupId: \"LOCKED_GROUP\", userIds: [\"USER\"])",
                "removeGroupMembers(groupId: \"LOCKED_GROUP\", userIds: [\"USER\"])"
            })
    void otherRequestsSucceedWhileMutationsWaitForALock(String mutation) throws Exception {
        String user = directory.createUser();
        String lockedUser = directory.createUser();
        String lockedGroup = directory.createGroup("Locked", List.of());
        String crowded = directory.createGroup("Crowded", List.of(lockedUser));
        String email = Directory.newEmail();
        List<CompletableFuture<?>> blocked = new ArrayList<>();
        try (Connection other = TestPostgres.connect()) {
            lock(other, email, lockedUser, lockedGroup, crowded);
            for (int i = 0; i < REQUESTS; i++) {
                String document = "mutation { result: "
                        + mutation.replace("LOCKED_USER", lockedUser)
                                .replace("LOCKED_GROUP", lockedGroup)
                                .replace("CROWDED", crowded)
                                .replace("USER", user)
                                .replace("EMAIL", email)
                                .replace("KEY", "key " + i + email)
                        // If the texts were the same, all others would wait for the first one's cache policy.
                        + " { errors { code } } } # " + i;
                blocked.add(CompletableFuture.supplyAsync(
                        () -> client.execute(document, Map.of()), task -> Thread.startVirtualThread(task)));
            }
            Waiting.until(() -> waiting() > 0);

            for (int i = 0; i < REQUESTS / 2; i++) {
                assertThat(directory.user(directory.createUser()).get("name").asString())
                        .isEqualTo("User 0");
            }
            assertThat(blocked).noneMatch(CompletableFuture::isDone);
            // First attempts may still wait for a moment.
            Waiting.until(() -> waiting() <= PATIENT);
            other.rollback();
        }
        blocked.forEach(CompletableFuture::join);
    }

    /** Otherwise, a request would wait behind all requests of an account that waits for another lock. */
    @Test
    void accountsTakeTurnsToWaitForLocks() throws Exception {
        String first = directory.createUser();
        String second = directory.createUser();
        Client other = client.withToken(Tokens.of("another account", "users:write"));
        List<CompletableFuture<?>> blocked = new ArrayList<>();
        try (Connection ofFirst = TestPostgres.connect();
                Connection ofSecond = TestPostgres.connect()) {
            lock(ofFirst, first);
            lock(ofSecond, second);
            for (int i = 0; i < REQUESTS; i++) {
                blocked.add(update(client, first, i));
            }
            // With more processors, other limits may keep some of the places free.
            Waiting.until(() -> patient("true").size() >= Math.min(PATIENT, 2));
            blocked.add(update(other, second, 0));

            jdbc.queryForObject(
                    "select pg_cancel_backend(?)",
                    Boolean.class,
                    patientFor(ofFirst).getFirst());

            Waiting.until(() -> patientFor(ofSecond).size() == 1);
            ofFirst.rollback();
            ofSecond.rollback();
        }
        blocked.forEach(CompletableFuture::join);
    }

    private static CompletableFuture<?> update(Client caller, String id, int i) {
        String document = "mutation { updateUser(id: \"" + id + "\", name: \"Al\") { errors { code } } } # " + i;
        return CompletableFuture.supplyAsync(
                () -> caller.execute(document, Map.of()), task -> Thread.startVirtualThread(task));
    }

    /** The backends that are the first to wait for a lock of this connection. */
    private List<Integer> patientFor(Connection holder) throws SQLException {
        int pid = holder.unwrap(PGConnection.class).getBackendPID();
        return patient(pid + " = any(pg_blocking_pids(pid))");
    }

    /** The backends that have waited for a lock for longer than a first attempt does. */
    private List<Integer> patient(String condition) {
        return jdbc.query(
                "select pid from pg_stat_activity where wait_event_type = 'Lock'"
                        + " and query_start < clock_timestamp() - interval '300 ms' and " + condition,
                (row, n) -> row.getInt("pid"));
    }

    private void lock(Connection connection, String user) throws SQLException {
        connection.setAutoCommit(false);
        try (Statement statement = connection.createStatement()) {
            statement.execute("select from users where id = '" + uuid(user) + "' for update");
        }
    }

    private void lock(Connection connection, String email, String user, String group, String crowded)
            throws SQLException {
        connection.setAutoCommit(false);
        try (Statement statement = connection.createStatement()) {
            statement.execute("insert into users (id, name, email, active, created_at, updated_at, version)"
                    + " values (uuidv7(), 'Someone', '" + email + "', true, now(), now(), 0)");
            statement.execute("select from users where id = '" + uuid(user) + "' for update");
            statement.execute("select from groups where id = '" + uuid(group) + "' for update");
            statement.execute("delete from group_members where group_id = '" + uuid(crowded) + "'");
        }
    }

    private UUID uuid(String id) {
        return ids.parse(id).orElseThrow().uuid();
    }

    private int waiting() {
        Integer count = jdbc.queryForObject(
                "select count(*) from pg_stat_activity where wait_event_type = 'Lock'", Integer.class);
        return count == null ? 0 : count;
    }
}
