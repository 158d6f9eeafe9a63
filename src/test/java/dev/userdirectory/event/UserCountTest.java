package dev.userdirectory.event;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.userdirectory.Client;
import dev.userdirectory.Directory;
import dev.userdirectory.DirectoryTest;
import dev.userdirectory.TestPostgres.Statements;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.jdbc.autoconfigure.JdbcConnectionDetails;
import org.springframework.jdbc.core.JdbcTemplate;

/** {@code totalCount} of all users, which is computed without counting them. */
@DirectoryTest
class UserCountTest {
    private static final String TOTAL = "{ users(first: 0) { totalCount } }";
    private static final Duration TIME = Duration.ofSeconds(Integer.getInteger("directory.test.soak", 5));

    @Autowired
    Client client;

    @Autowired
    Directory directory;

    @Autowired
    JdbcTemplate jdbc;

    @Autowired
    JdbcConnectionDetails server;

    @Autowired
    DirectoryEvents events;

    @Autowired
    EventTrimming trimming;

    @Autowired
    Statements statements;

    @BeforeEach
    void recount() {
        directory.recount();
    }

    private interface Deed {
        void run(Statement session) throws Exception;
    }

    @Test
    void followsCreationsDeletionsAndTrimming() {
        int before = totalCount();
        String one = directory.createUsers(3).getFirst();
        assertThat(totalCount()).isEqualTo(before + 3);

        client.data("mutation ($id: ID!) { deleteUser(id: $id) { errors { code } } }", Map.of("id", one));
        assertThat(totalCount()).isEqualTo(before + 2);

        events.count(1);
        assertThat(totalCount()).isEqualTo(before + 2);
        jdbc.update("update user_events set occurred_at = now() - interval '31 days'");
        assertThat(trimming.trim(jdbc, Duration.ofDays(30), 100_000)).isPositive();
        assertThat(totalCount()).isEqualTo(before + 2).isEqualTo(count());
    }

    /** Six threads write, two add events to the row, one trims them, and two compare the counts in one snapshot. */
    @Test
    void equalsTheNumberOfRowsInEverySnapshot() throws Exception {
        directory.createUser();
        client.data(TOTAL);
        String both = "select page.total, (select count(*) from users) from (%s) page"
                .formatted(statements.last().sql());
        AtomicInteger comparisons = new AtomicInteger();
        AtomicInteger trimmed = new AtomicInteger();
        Deed compare = session -> {
            try (ResultSet row = session.executeQuery(both)) {
                row.next();
                assertThat(row.getLong(1)).isEqualTo(row.getLong(2));
                comparisons.incrementAndGet();
            }
        };
        int advances = advances();

        try (ExecutorService threads = Executors.newCachedThreadPool()) {
            List<Future<?>> all = new ArrayList<>();
            for (int i = 0; i < 6; i++) {
                all.add(threads.submit(() -> repeat(session -> write(session, compare))));
            }
            for (int i = 0; i < 2; i++) {
                all.add(threads.submit(() -> repeat(compare)));
                all.add(threads.submit(() -> repeat(session -> {
                    session.getConnection().setAutoCommit(true);
                    events.count(1);
                })));
            }
            all.add(threads.submit(() -> repeat(session -> {
                trimmed.addAndGet(trimming.trim(jdbc, Duration.ZERO, 100));
                Thread.sleep(20);
            })));
            for (Future<?> one : all) {
                one.get();
            }
        }

        assertThat(comparisons).hasValueGreaterThan(100);
        assertThat(trimmed).hasValueGreaterThan(100);
        assertThat(advances() - advances).isGreaterThan(20);
        assertThat(totalCount()).isEqualTo(count());
    }

    @Test
    void doesNotReadEventsOfMemberships() throws Exception {
        directory.createUser();
        client.data(TOTAL);
        String total = statements.last().sql();
        List<String> plan = new ArrayList<>();
        try (Connection connection = connect();
                Statement session = connection.createStatement()) {
            connection.setAutoCommit(false);
            session.execute("""
                    insert into user_events (type, user_id, group_id)
                    select 'MEMBER_ADDED', gen_random_uuid(), gen_random_uuid() from generate_series(1, 10000)""");
            session.execute("analyze user_events");
            try (ResultSet lines = session.executeQuery("explain (analyze) " + total)) {
                while (lines.next()) {
                    plan.add(lines.getString(1));
                }
            }
            connection.rollback();
        }
        assertThat(plan)
                .anyMatch(line -> line.contains("user_events"))
                .noneMatch(line -> line.matches(".*actual .*rows=\\d{5,}.*|.*Removed by Filter: \\d{5,}"));
    }

    @Test
    void rejectsTruncationOfUsers() {
        assertThatThrownBy(() -> jdbc.execute("truncate users cascade")).hasMessageContaining("Delete users instead");
    }

    /** Creates and deletes several users in a transaction that takes a while, and may roll back parts or all of it. */
    private static void write(Statement session, Deed compare) throws Exception {
        ThreadLocalRandom random = ThreadLocalRandom.current();
        session.getConnection().setAutoCommit(false);
        for (int i = random.nextInt(3); i >= 0; i--) {
            session.execute("""
                    insert into users (id, name, email, active, created_at, updated_at, version)
                    select uuidv7(), 'Counted', gen_random_uuid() || '@counted', true, now(), now(), 0
                    from generate_series(1, %d)""".formatted(random.nextInt(5)));
            session.execute("savepoint before");
            session.execute("""
                    delete from users where id in (
                        select id from users where email like '%%@counted' limit %d for update skip locked)
                    """.formatted(random.nextInt(6)));
            if (random.nextInt(4) == 0) {
                session.execute("rollback to before");
            }
            compare.run(session);
            Thread.sleep(random.nextInt(10) == 0 ? random.nextInt(200) : random.nextInt(5));
        }
        if (random.nextInt(4) == 0) {
            session.getConnection().rollback();
        } else {
            session.getConnection().commit();
        }
    }

    private Connection connect() throws SQLException {
        return DriverManager.getConnection(server.getJdbcUrl(), server.getUsername(), server.getPassword());
    }

    private Void repeat(Deed deed) throws Exception {
        try (Connection connection = connect();
                Statement session = connection.createStatement()) {
            long end = System.nanoTime() + TIME.toNanos();
            while (System.nanoTime() < end) {
                deed.run(session);
            }
        }
        return null;
    }

    private int advances() {
        jdbc.execute("select pg_stat_force_next_flush()");
        return value("select n_tup_upd from pg_stat_user_tables where relname = 'user_count'");
    }

    private int totalCount() {
        return client.data(TOTAL).at("/users/totalCount").asInt();
    }

    private int count() {
        return value("select count(*) from users");
    }

    private int value(String sql) {
        Integer value = jdbc.queryForObject(sql, Integer.class);
        return value == null ? -1 : value;
    }
}
