package dev.userdirectory.user;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.userdirectory.Directory;
import dev.userdirectory.DirectoryTest;
import dev.userdirectory.Locks;
import dev.userdirectory.Waiting;
import dev.userdirectory.database.Actor;
import dev.userdirectory.database.StandbyStalled;
import dev.userdirectory.database.WriteTransaction;
import dev.userdirectory.error.ErrorCode;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.dao.DataAccessResourceFailureException;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.jdbc.core.RowCallbackHandler;
import org.springframework.test.context.TestPropertySource;

@DirectoryTest
// Embedded servers of tests acknowledge what they have not written.
@TestPropertySource(properties = "spring.datasource.hikari.connection-init-sql=set synchronous_commit = on")
class UserInsertsTest {
    private static final String LOCK = "wait_event_type = 'Lock' and query ~ '^insert'";

    @Autowired
    UserInserts inserts;

    @Autowired
    JdbcTemplate jdbc;

    @Autowired
    WriteTransaction transaction;

    /** As after a lost connection, when it is unknown whether the first attempt was committed. */
    @Test
    void storesUserOnceHoweverOftenItIsTried() {
        User user = user(Directory.newEmail());

        User first = inserts.insert(user, null).orElseThrow();
        User second = inserts.insert(user, null).orElseThrow();

        assertThat(second.uuid()).isEqualTo(first.uuid()).isEqualTo(user.uuid());
        assertThat(jdbc.queryForList("select type from user_events where user_id = ?", String.class, user.uuid()))
                .containsExactly("CREATED");
    }

    /** Another request's statement may have stored the user, and may still wait for the standby. */
    @Test
    void reportsUnknownOutcomeAfterAFailedAttempt() {
        int statements = Runtime.getRuntime().availableProcessors();
        Stalled stalled = new Stalled(jdbc, statements);
        UserInserts own = new UserInserts(stalled, transaction);
        List<CompletableFuture<Optional<User>>> busy = new ArrayList<>();
        for (int i = 0; i < statements; i++) {
            busy.add(insertWith(own));
        }
        Waiting.until(() -> stalled.waiting.getQueueLength() == statements);
        List<Thread> threads = new ArrayList<>();
        List<CompletableFuture<Optional<User>>> together = new ArrayList<>();
        for (int i = 0; i < 2; i++) {
            together.add(CompletableFuture.supplyAsync(
                    () -> own.insert(user(Directory.newEmail()), null),
                    task -> threads.add(Thread.startVirtualThread(task))));
        }
        Waiting.until(() -> threads.stream().allMatch(thread -> thread.getState() == Thread.State.WAITING));

        stalled.waiting.release();

        List<Throwable> failures =
                together.stream().map(UserInsertsTest::failureOf).toList();
        stalled.waiting.release(statements);
        assertThat(failures).hasAtLeastOneElementOfType(DataAccessResourceFailureException.class);
        assertThat(failures)
                .filteredOn(StandbyStalled.class::isInstance)
                .singleElement()
                .extracting(failure -> ((StandbyStalled) failure).code())
                .isEqualTo(ErrorCode.DEADLINE_EXCEEDED);
        assertThat(busy).allSatisfy(each -> assertThat(each).failsWithin(Duration.ofSeconds(20)));
    }

    private static Throwable failureOf(CompletableFuture<?> future) {
        await().until(future::isDone);
        return future.exceptionNow();
    }

    private static CompletableFuture<Optional<User>> insertWith(UserInserts inserts) {
        return CompletableFuture.supplyAsync(
                () -> inserts.insert(user(Directory.newEmail()), null), task -> Thread.startVirtualThread(task));
    }

    /** The first statements fail; after that, too many commits wait for the standby. */
    private static final class Stalled extends JdbcTemplate {
        private final Semaphore waiting = new Semaphore(0);
        private final AtomicInteger failing;

        Stalled(JdbcTemplate original, int blocked) {
            super(Objects.requireNonNull(original.getDataSource()));
            failing = new AtomicInteger(blocked + 1);
        }

        @Override
        public void query(String sql, RowCallbackHandler rows, @Nullable Object @Nullable ... args) {
            int left = failing.getAndDecrement();
            if (left <= 0) {
                throw StandbyStalled.beforeWriting();
            }
            if (left > 1) {
                waiting.acquireUninterruptibly();
            }
            throw new DataAccessResourceFailureException("The connection was lost");
        }
    }

    @Test
    void rejectsOnlyUsersWhoseAddressIsTaken() {
        List<String> emails = new ArrayList<>();
        List<CompletableFuture<Optional<User>>> created = new ArrayList<>();
        for (int i = 0; i < 100; i++) {
            // Every address twice, at the same time.
            String email = i % 2 == 0 ? Directory.newEmail() : emails.getLast().toUpperCase(Locale.ROOT);
            emails.add(email);
            created.add(CompletableFuture.supplyAsync(
                    () -> inserts.insert(user(email), null), task -> Thread.startVirtualThread(task)));
        }

        for (int i = 0; i < 100; i += 2) {
            Optional<User> one = created.get(i).join();
            Optional<User> other = created.get(i + 1).join();
            assertThat(one.isPresent()).isNotEqualTo(other.isPresent());
        }
    }

    /** The server still commits the first attempt, which the client has abandoned. */
    @Test
    void findsUserOfAnEarlierAttemptThatCommitsMeanwhile() throws Exception {
        User user = user(Directory.newEmail());
        try (Connection earlier = connect()) {
            insert(earlier, user);
            CompletableFuture<Optional<User>> again = async(() -> inserts.insert(user, null));
            await().until(() -> waiting(LOCK) == 1);
            earlier.commit();

            assertThat(again.get(60, TimeUnit.SECONDS).orElseThrow().uuid()).isEqualTo(user.uuid());
        }
    }

    @Test
    void rejectsAddressThatAConcurrentTransactionTakes() throws Exception {
        User user = user("Σ" + Directory.newEmail());
        try (Connection other = connect()) {
            insert(other, user("ς" + user.getEmail().substring(1)));
            CompletableFuture<Optional<User>> created = async(() -> inserts.insert(user, null));
            await().until(() -> waiting(LOCK) == 1);
            other.commit();

            assertThat(created.get(60, TimeUnit.SECONDS)).isEmpty();
        }
    }

    @Test
    void findsAllUsersOfAnEarlierAttempt() {
        List<User> users = List.of(user(Directory.newEmail()), user(Directory.newEmail()));
        insertAll(users);

        assertThat(insertAll(users).values())
                .extracting(User::uuid)
                .isEqualTo(users.stream().map(User::uuid).toList());
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void storesThoseWhoseAddressAnotherTransactionHasNotTaken(boolean taken) throws Exception {
        List<User> users = List.of(user(Directory.newEmail()), user(Directory.newEmail()));
        try (Connection other = connect()) {
            insert(other, user(users.getLast().getEmail()));
            CompletableFuture<Map<Integer, User>> created = async(() -> insertAll(users));
            await().until(() -> waiting(LOCK) == 1);
            if (taken) {
                other.commit();
                assertThat(created.get(60, TimeUnit.SECONDS)).containsOnlyKeys(0);
            } else {
                other.rollback();
                assertThat(created.get(60, TimeUnit.SECONDS)).hasSize(2);
            }
        }
        assertThat(jdbc.queryForObject(
                        "select count(*) from users where id in (?, ?)",
                        Integer.class,
                        users.getFirst().uuid(),
                        users.getLast().uuid()))
                .isEqualTo(taken ? 1 : 2);
    }

    @Test
    void attributesEachUserOfASharedStatementToItsOwnCreator() throws Exception {
        Map<UUID, String> creators = new HashMap<>();
        List<Thread> callers = new ArrayList<>();
        try (Locks users = Locks.holding("users")) {
            for (int i = 0; i < 10; i++) {
                User user = user(Directory.newEmail());
                String caller = "caller " + i;
                creators.put(user.uuid(), caller);
                callers.add(Thread.ofPlatform().start(() -> inserts.insert(user, new Actor(caller, null))));
            }
            // All others wait for those whose statements wait for the lock.
            int running = Runtime.getRuntime().availableProcessors();
            Waiting.until(() -> callers.stream()
                            .filter(it -> it.getState() == Thread.State.WAITING)
                            .count()
                    == callers.size() - running);
        }
        for (Thread caller : callers) {
            caller.join();
        }

        Map<UUID, String> named = new HashMap<>();
        Set<Long> transactions = new HashSet<>();
        for (UUID user : creators.keySet()) {
            jdbc.query(
                    "select actor_subject, writer from user_events where user_id = ?",
                    row -> {
                        named.put(user, row.getString(1));
                        transactions.add(row.getLong(2));
                    },
                    user);
        }
        assertThat(transactions).hasSizeLessThan(callers.size());
        assertThat(named).isEqualTo(creators);
    }

    /** The address has more requests than there are statements at a time. */
    @Test
    void createsOtherUsersWhileAnAddressIsLocked() throws Exception {
        String locked = Directory.newEmail();
        List<CompletableFuture<Optional<User>>> blocked = new ArrayList<>();
        try (Connection other = connect()) {
            insert(other, user(locked));
            for (int i = 0; i < 20; i++) {
                blocked.add(async(() -> inserts.insert(user(locked), null)));
            }
            await().until(() -> waiting(LOCK) > 0);
            List<CompletableFuture<Optional<User>>> created = new ArrayList<>();
            for (int i = 0; i < 40; i++) {
                created.add(async(() -> inserts.insert(user(Directory.newEmail()), null)));
            }

            for (CompletableFuture<Optional<User>> one : created) {
                assertThat(one.get(60, TimeUnit.SECONDS)).isPresent();
            }
            assertThat(blocked).noneMatch(CompletableFuture::isDone);
            await().until(() -> waiting(LOCK) == Runtime.getRuntime().availableProcessors());
            other.rollback();
        }
        assertThat(blocked.stream().filter(one -> one.join().isPresent())).hasSize(1);
    }

    /** The standby may not have acknowledged the first attempt. */
    @Test
    void waitsForTheStandbyBeforeReportingAnEarlierAttempt() throws Exception {
        User user = user(Directory.newEmail());
        inserts.insert(user, null);
        List<CompletableFuture<Optional<User>>> again = new ArrayList<>();
        setStandby("nobody");
        try {
            // The setting reaches some sessions later.
            await().until(() -> {
                again.add(async(() -> inserts.insert(user, null)));
                return Waiting.briefly(() -> waiting("wait_event = 'SyncRep'") > 0);
            });
            assertThat(again.getLast()).isNotDone();
        } finally {
            setStandby("");
        }
        assertThat(again.getLast().get(60, TimeUnit.SECONDS)).isPresent();
    }

    private Connection connect() throws SQLException {
        Connection connection = Objects.requireNonNull(jdbc.getDataSource()).getConnection();
        connection.setAutoCommit(false);
        return connection;
    }

    private static void insert(Connection connection, User user) throws SQLException {
        try (PreparedStatement insert = connection.prepareStatement(
                "insert into users (id, name, email, active, created_at, updated_at, version)"
                        + " values (?, ?, ?, true, now(), now(), 0)")) {
            insert.setObject(1, user.uuid());
            insert.setString(2, user.getName());
            insert.setString(3, user.getEmail());
            insert.execute();
        }
    }

    private void setStandby(String names) {
        jdbc.execute("alter system set synchronous_standby_names = '" + names + "'");
        jdbc.execute("select pg_reload_conf()");
        await().until(() -> names.equals(jdbc.queryForObject("show synchronous_standby_names", String.class)));
    }

    private int waiting(String condition) {
        Integer count = jdbc.queryForObject(
                "select count(*) from pg_stat_activity where state = 'active' and " + condition, Integer.class);
        return count == null ? 0 : count;
    }

    private static <T> CompletableFuture<T> async(Supplier<T> work) {
        return CompletableFuture.supplyAsync(work, task -> Thread.startVirtualThread(task));
    }

    private static User user(String email) {
        return new User("Someone", email, true, User.now());
    }

    private Map<Integer, User> insertAll(List<User> users) {
        return transaction.execute(null, () -> inserts.insertAll(users));
    }
}
