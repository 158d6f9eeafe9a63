package dev.userdirectory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.userdirectory.TestPostgres.Statements;
import dev.userdirectory.graphql.limit.Limits;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.sql.Connection;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import javax.sql.DataSource;
import org.flywaydb.core.Flyway;
import org.flywaydb.core.api.configuration.FluentConfiguration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.WebApplicationType;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.boot.jdbc.autoconfigure.JdbcConnectionDetails;
import org.springframework.dao.DuplicateKeyException;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.jdbc.datasource.DriverManagerDataSource;

/** The migration process, which runs before a new version of the service, on a separate database. */
@DirectoryTest
class MigrationTest {
    private final JdbcConnectionDetails server;
    private final Client client;
    private final Statements statements;
    private final String database = "migration_" + UUID.randomUUID().toString().replace('-', '_');
    private final String url;
    private final JdbcTemplate jdbc;
    private String output = "";

    @Autowired
    MigrationTest(JdbcConnectionDetails server, Client client, Statements statements) {
        this.server = server;
        this.client = client;
        this.statements = statements;
        url = server.getJdbcUrl().replaceFirst("(jdbc:postgresql://[^/]+/)[^?]+", "$1" + database);
        jdbc = connect(url);
    }

    @BeforeEach
    void createDatabase() {
        connect(server.getJdbcUrl()).execute("create database " + database);
    }

    @AfterEach
    void dropDatabase() {
        connect(server.getJdbcUrl()).execute("drop database " + database + " with (force)");
    }

    @Test
    void migratesEmptyDatabaseAndExits() throws Exception {
        assertThat(migrate(1)).containsExactly(0);
        assertThat(versions()).isEqualTo(migrations());
        assertThat(jdbc.queryForList("select name from users")).isEmpty();

        assertThat(migrate(1)).as("again").containsExactly(0);
        assertThat(versions()).isEqualTo(migrations());
    }

    @Test
    @Soak("starts processes")
    void allowsConcurrentMigrations() throws Exception {
        assertThat(migrate(2)).containsExactly(0, 0);
        assertThat(versions()).isEqualTo(migrations());
    }

    @Test
    @Soak("starts processes")
    void failsOnForeignDatabase() throws Exception {
        jdbc.execute("create table users (name text)");
        assertThat(migrate(1)).containsExactly(1);
        assertThat(jdbc.queryForList("select * from users")).isEmpty();
    }

    /** On AWS Lambda, no instance of the service would notice the restore. */
    @Test
    @Soak("starts processes")
    void deletesEventsOfAnotherServerAfterRestore() throws Exception {
        migrate(1);
        jdbc.update(insert(2));
        assertThat(migrate(1)).containsExactly(0);
        assertThat(events()).isEqualTo(2);

        // As if the events came from a server with higher transaction numbers.
        jdbc.update("update user_events set transaction = transaction + 1000000000");
        assertThat(migrate(1)).containsExactly(0);
        assertThat(events()).isZero();
        assertThat(jdbc.queryForObject("select users from user_count", Integer.class))
                .isEqualTo(2);
    }

    private Integer events() {
        return jdbc.queryForObject("select count(*) from user_events", Integer.class);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    @Soak("waits for a timeout")
    void triesAgainWhenAnAttemptToConnectTimesOut(boolean withOwnUser) throws Exception {
        Migration.run(throughSilentProxy(withOwnUser));

        assertThat(versions()).isEqualTo(migrations());
    }

    /** The service migrates over a separate connection outside the pool. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    @Soak("waits for a timeout")
    void serviceTriesAgainWhenAnAttemptToConnectTimesOut(boolean withOwnUser) throws Exception {
        new SpringApplicationBuilder(Migration.class, DatabaseConfiguration.class, ServiceLimits.class)
                .web(WebApplicationType.NONE)
                .run(throughSilentProxy(withOwnUser))
                .close();

        assertThat(versions()).isEqualTo(migrations());
    }

    @EnableConfigurationProperties(Limits.class)
    static class ServiceLimits {}

    /**
     * The first connection is accepted, but never answered.
     *
     * @param withOwnUser whether {@code spring.flyway.user} is set
     */
    private String[] throughSilentProxy(boolean withOwnUser) {
        URI target = URI.create(server.getJdbcUrl().substring("jdbc:".length()));
        SwitchableProxy proxy = SwitchableProxy.silentAtFirst(target.getPort());
        return new String[] {
            "--spring.main.banner-mode=off",
            "--spring.datasource.url="
                    + url.replace(target.getHost() + ":" + target.getPort(), "127.0.0.1:" + proxy.port()),
            "--spring.datasource.username=" + server.getUsername(),
            "--spring.datasource.password=" + server.getPassword(),
            withOwnUser ? "--spring.flyway.user=" + server.getUsername() : "",
            withOwnUser ? "--spring.flyway.password=" + server.getPassword() : ""
        };
    }

    /** The previous version keeps writing during the migration. */
    @Test
    void countsUsersOfConcurrentTransactions() throws Exception {
        flyway().target("4").load().migrate();
        jdbc.update(insert(3));
        client.data("{ users(first: 0) { totalCount } }");
        String total = "select total from (%s) page".formatted(statements.last().sql());
        DataSource database = Objects.requireNonNull(jdbc.getDataSource());
        try (Connection creates = database.getConnection();
                Connection deletes = database.getConnection()) {
            creates.setAutoCommit(false);
            creates.createStatement().execute(insert(2));
            deletes.setAutoCommit(false);
            deletes.createStatement().execute("delete from users");
            jdbc.update(insert(4));

            Future<?> upgrade = CompletableFuture.runAsync(() -> flyway().load().migrate());
            Waiting.until(() -> upgrade.isDone()
                    || Boolean.TRUE.equals(jdbc.queryForObject(
                            "select exists (select from pg_locks where relation = 'users'::regclass and not granted)",
                            Boolean.class)));
            creates.commit();
            deletes.rollback();
            upgrade.get(10, TimeUnit.SECONDS);
        }

        assertThat(jdbc.queryForObject(total, Integer.class)).isEqualTo(9);
        jdbc.update(insert(1));
        assertThat(jdbc.queryForObject(total, Integer.class)).isEqualTo(10);
    }

    @Test
    @Soak("starts processes")
    void keepsAndReportsUsersWithEquivalentAddresses() throws Exception {
        flyway().target("5").load().migrate();
        List<UUID> alike = Stream.of("s@example.com", "ſ@Example.com", "s\ufe0f@example.com")
                .map(this::insertUser)
                .toList();
        List<UUID> domains = Stream.of("a@xn--bcher-kva.example", "a@bücher.example")
                .map(this::insertUser)
                .toList();
        insertUser("ς@example.com");
        List<Map<String, Object>> before = jdbc.queryForList("select id, name, email, version from users order by id");

        assertThat(migrate(1)).containsExactly(0);

        assertThat(jdbc.queryForList("select id, name, email, version from users order by id"))
                .isEqualTo(before);
        assertThat(jdbc.queryForList("select distinct type from user_events", String.class))
                .containsExactly("CREATED");
        assertThat(output)
                .contains("read alike: " + alike.get(0) + ", " + alike.get(1) + ", " + alike.get(2))
                .contains("read alike: " + domains.get(0) + ", " + domains.get(1))
                .contains("share an address: 3.")
                .doesNotContain("@example.com");
        assertThat(jdbc.queryForList("select id from users where email_twin > 0", UUID.class))
                .containsExactlyInAnyOrder(alike.get(1), alike.get(2), domains.get(1));
    }

    /** Users who already share an address keep it, and no other user gets it until the last of them is gone. */
    @Test
    void keepsAddressTakenUntilNoUserSharesIt() {
        flyway().target("5").load().migrate();
        List<UUID> alike = Stream.of("s@example.com", "ſ@example.com", "S\u034f@example.com")
                .map(this::insertUser)
                .toList();
        flyway().load().migrate();

        assertTaken("s@example.com");
        jdbc.update("update users set name = 'Other', email = replace(email, 'example', 'EXAMPLE')");
        jdbc.update("delete from users where id = ?", alike.get(0));
        assertTaken("s@example.com");
        jdbc.update("update users set email = 'other@example.com' where id = ?", alike.get(1));
        assertTaken("ſ@example.com");
        assertTaken("OTHER@example.com");
        jdbc.update("update users set email = 'more@example.com' where id = ?", alike.get(2));
        insertUser("s@example.com");
        assertTaken("ſ@example.com");
        assertThat(jdbc.queryForList("select * from users where email_twin > 0"))
                .isEmpty();
    }

    /** As during a rolling update: the statements are those of the previous version. */
    @Test
    void letsThePreviousVersionReadAndWriteTheNewTables() {
        flyway().target("5").load().migrate();
        UUID before = insertUser("ſoφος@example.com");
        flyway().load().migrate();
        UUID after = insertUser("ΣΟΦΌΣ@example.com");

        String create = """
                with inserted as (
                    insert into users (id, name, email, active, created_at, updated_at, version)
                    select id, name, email, true, created_at, created_at, 0
                    from unnest(?, ?, ?, ?) as given (id, name, email, created_at)
                    order by lower(email collate "pg_c_utf8")
                    on conflict do nothing
                    returning *
                )
                select u.id from inserted u""";
        assertThat(jdbc.queryForList(
                        create.replace(
                                "?, ?, ?, ?", "array[uuidv7()], array['Al'], array['σοφός@example.com'], array[now()]"),
                        UUID.class))
                .isEmpty();
        assertThat(jdbc.queryForList(
                        "select id from users u where u.email_lower = lower('ΣοΦΌΣ@example.com' collate \"pg_c_utf8\")",
                        UUID.class))
                .containsExactly(after);
        assertThat(jdbc.queryForList(
                        "select id from users u where (u.name_lower || e'\\n' || u.email_lower)"
                                + " like lower('%ſOΦος%' collate \"pg_c_utf8\")",
                        UUID.class))
                .containsExactly(before);

        String search =
                "select id from users where (name_lower || e'\\n' || email_lower) like folded(?) or folded like folded(?)";
        assertThat(jdbc.queryForList(search, UUID.class, "%soφοσ%", "%soφοσ%")).containsExactly(before);
        jdbc.update("update users set email = 'plain@example.com' where id = ?", before);
        assertThat(jdbc.queryForList(search, UUID.class, "%soφοσ%", "%soφοσ%")).isEmpty();
        jdbc.update("update users set name = 'Μάϊος' where id = ?", before);
        assertThat(jdbc.queryForList(search, UUID.class, "%ΜΆΪΟΣ%", "%ΜΆΪΟΣ%")).containsExactly(before);
    }

    /** The statements are those of the version before events of groups. */
    @Test
    void letsThePreviousVersionFollowAndTrimTheNewLog() {
        flyway().target("11").load().migrate();
        UUID before = insertUser("before@example.com");
        flyway().load().migrate();
        jdbc.update(
                "insert into groups (id, name, created_at, updated_at, version) values (uuidv7(), 'A', now(), now(), 0)");
        jdbc.update("insert into group_members select id, ?, now() from groups", before);
        jdbc.update("insert into user_events (type, user_id) values ('UPDATED', ?)", before);
        UUID after = insertUser("after@example.com");

        String known = "e.type in ('CREATED', 'UPDATED', 'DELETED') and e.transaction < "
                + "pg_snapshot_xmin(pg_current_snapshot())::text::bigint";
        assertThat(jdbc.queryForList(
                        "select e.user_id from user_events e where " + known
                                + " and (e.transaction, e.sequence) > (0, 0) order by e.transaction, e.sequence limit 500",
                        UUID.class))
                .containsExactly(before, before, after);
        String has = "select feed_has(transaction, sequence, feed_era(), feed_wal(), ?::uuid) from user_events e where "
                + known + " order by e.transaction, e.sequence limit 1";
        assertThat(jdbc.queryForObject(has, Boolean.class, (Object) null)).isTrue();
        String behind = jdbc.queryForObject(
                "select transaction || ', ' || sequence || ', ' || feed_era() || ', ' || feed_wal() from user_events e"
                        + " where " + known + " order by e.transaction, e.sequence limit 1",
                String.class);

        jdbc.update("update user_events set occurred_at = now() - interval '40 days'");
        jdbc.update("update user_count set transaction = pg_snapshot_xmin(pg_current_snapshot())::text::bigint");
        assertThat(jdbc.update("""
                delete from user_events where (transaction, sequence) in (
                    select transaction, sequence
                    from (
                        select e.transaction, e.sequence,
                               bool_and(e.occurred_at < now() - ? * interval '1 second') over in_order as old,
                               lead(e.sequence) over in_order is not null as followed
                        from (
                            select * from user_events e
                            where e.transaction < (select transaction from user_count)
                            order by e.transaction, e.sequence limit ? + 1
                        ) e
                        window in_order as (order by e.transaction, e.sequence)
                    ) oldest
                    where old and followed)
                """, 30 * 86400, 3)).isEqualTo(3);
        String of = "select feed_has(" + behind + ", ?::uuid)";
        assertThat(jdbc.queryForObject(of, Boolean.class, (Object) null)).isFalse();
        assertThat(jdbc.queryForObject(of, Boolean.class, before))
                .as("only the first event of the user was trimmed, and memberships do not count")
                .isTrue();
        assertThat(jdbc.queryForObject(of, Boolean.class, after)).isTrue();
        assertThat(jdbc.queryForObject("select count(*) from trimmed_group_events", Integer.class))
                .isEqualTo(2);
    }

    /** The users are older than the table that lists users without a group. The previous version makes the writes. */
    @Test
    void knowsUsersInNoGroupFromBeforeTheMigration() {
        flyway().target("17").load().migrate();
        UUID member = insertUser("member@example.com");
        UUID alone = insertUser("alone@example.com");
        jdbc.update(
                "insert into groups (id, name, created_at, updated_at, version) values (uuidv7(), 'A', now(), now(), 0)");
        String join = "insert into group_members select id, ?, now() from groups";
        jdbc.update(join, member);

        flyway().load().migrate();
        assertThat(ungrouped()).containsExactly(alone);

        UUID later = insertUser("later@example.com");
        assertThat(ungrouped()).containsExactlyInAnyOrder(alone, later);
        jdbc.update(join, alone);
        jdbc.update("delete from group_members where user_id = ?", member);
        assertThat(ungrouped()).containsExactlyInAnyOrder(member, later);
        jdbc.update("delete from users where id = ?", later);
        jdbc.update("delete from groups");
        assertThat(ungrouped()).containsExactlyInAnyOrder(member, alone);
    }

    private List<UUID> ungrouped() {
        return jdbc.queryForList("select user_id from ungrouped_users", UUID.class);
    }

    private UUID insertUser(String email) {
        return Objects.requireNonNull(jdbc.queryForObject("""
                insert into users (id, name, email, active, created_at, updated_at, version)
                values (uuidv7(), 'User', ?, true, clock_timestamp(), now(), 0) returning id""", UUID.class, email));
    }

    private void assertTaken(String email) {
        assertThatThrownBy(() -> insertUser(email)).isInstanceOf(DuplicateKeyException.class);
    }

    private FluentConfiguration flyway() {
        return Flyway.configure().dataSource(jdbc.getDataSource()).locations("filesystem:db/migration");
    }

    private static String insert(int users) {
        return """
                insert into users (id, name, email, active, created_at, updated_at, version)
                select uuidv7(), 'User', gen_random_uuid() || '@example.com', true, now(), now(), 0
                from generate_series(1, %d)""".formatted(users);
    }

    /** Runs this many migrations at once, configured only with the data source, and returns their exit codes. */
    private List<Integer> migrate(int count) throws IOException, InterruptedException {
        List<Process> processes = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            ProcessBuilder builder = new ProcessBuilder(
                    Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                    "-XX:TieredStopAtLevel=1",
                    "-cp",
                    System.getProperty("java.class.path"),
                    "dev.userdirectory.UserDirectoryApplication",
                    "migrate",
                    "--spring.main.banner-mode=off",
                    "--logging.level.root=warn");
            builder.environment().put("SPRING_DATASOURCE_URL", url);
            builder.environment().put("SPRING_DATASOURCE_USERNAME", server.getUsername());
            builder.environment().put("SPRING_DATASOURCE_PASSWORD", server.getPassword());
            processes.add(builder.redirectErrorStream(true).start());
        }
        List<Integer> codes = new ArrayList<>();
        for (Process process : processes) {
            output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            codes.add(process.waitFor());
            if (codes.getLast() != 0) {
                assertThat(output).contains("non-empty schema");
            }
        }
        return codes;
    }

    private List<String> versions() {
        return jdbc.queryForList(
                "select version from flyway_schema_history where success order by installed_rank", String.class);
    }

    private static List<String> migrations() {
        String[] files = Path.of("db", "migration").toFile().list();
        assertThat(files).isNotEmpty();
        return List.of(files).stream()
                .map(file -> file.substring(1, file.indexOf("__")))
                .sorted((a, b) -> Integer.compare(Integer.parseInt(a), Integer.parseInt(b)))
                .toList();
    }

    private JdbcTemplate connect(String url) {
        return new JdbcTemplate(new DriverManagerDataSource(url, server.getUsername(), server.getPassword()));
    }
}
