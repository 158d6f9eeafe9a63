package dev.userdirectory.database;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.userdirectory.Client;
import dev.userdirectory.Instance;
import dev.userdirectory.Load;
import dev.userdirectory.PostgresPair;
import dev.userdirectory.PostgresServer;
import dev.userdirectory.Recovery;
import dev.userdirectory.Soak;
import dev.userdirectory.SwitchableProxy;
import dev.userdirectory.TestPostgres;
import dev.userdirectory.Waiting;
import dev.userdirectory.event.TrackedFollower;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.jdbc.core.JdbcTemplate;

/** While clients write, read, follow and resume, PostgreSQL crashes, fails over, or is restored. */
@Soak("injects faults one after the other")
@Timeout(600)
class FaultsTest {
    private static final String QUIET = "--logging.level.root=off";

    @Test
    void backendIsKilled() throws Exception {
        PostgresServer server = new PostgresServer();
        losesNothing("a crash of a backend", 3, server, () -> killBackend(server));
    }

    /** Returns once PostgreSQL accepts connections again. */
    private static void killBackend(PostgresServer server) throws SQLException {
        try (Connection other = server.connect();
                Connection victim = server.connect();
                Statement statement = victim.createStatement();
                ResultSet pid = statement.executeQuery("select pg_backend_pid()")) {
            pid.next();
            ProcessHandle.of(pid.getLong(1)).orElseThrow().destroyForcibly();
            Waiting.until(() -> !other.isValid(1));
        }
        await().ignoreExceptions().until(() -> {
            server.connect().close();
            return true;
        });
    }

    @Test
    void postgresIsKilled() throws Exception {
        PostgresServer server = new PostgresServer();
        losesNothing("a crash of PostgreSQL", 1, server, server::killAndRestart);
    }

    @Test
    void synchronousStandbyIsPromoted() throws Exception {
        Recovery.isFastAfter("a failover to a synchronous standby", () -> {
            PostgresPair servers = new PostgresPair();
            SwitchableProxy proxy = new SwitchableProxy(servers.primary().getPort());
            TestPostgres.Server proxied = new TestPostgres.Server(
                    "jdbc:postgresql://127.0.0.1:" + proxy.port() + "/postgres", "postgres", "postgres");
            try (ConfigurableApplicationContext service =
                    Instance.start(proxied, QUIET, "--directory.limits.deadline=2s")) {
                servers.synchronousStandby(true);
                try (Load load = new Load(service.getBean(Client.class))) {
                    servers.freezeReplica(true);
                    load.awaitFailures(6);
                    kill(servers.primary());
                    servers.freezeReplica(false);
                    promote(servers.replica());
                    proxy.switchTo(servers.replica().getPort());

                    Map<String, Duration> recovery = load.recovery();
                    TrackedFollower resumed = load.resumeFromStart();
                    load.end(new JdbcTemplate(servers.replica().getPostgresDatabase()));
                    assertThat(resumed.isExpired()).isFalse();
                    return recovery;
                }
            }
        });
    }

    @Test
    void asynchronousStandbyIsPromoted() throws Exception {
        Recovery.isFastAfter("a failover to an asynchronous standby", () -> {
            PostgresPair servers = new PostgresPair();
            try (ConfigurableApplicationContext service = Instance.start(servers.details(), QUIET);
                    Load load = new Load(service.getBean(Client.class))) {
                load.expectKeptWrites();
                servers.disconnectReplica();
                load.awaitWork();
                kill(servers.primary());
                load.expectLostWrites();
                promote(servers.replica());

                Map<String, Duration> recovery = load.recovery();
                endAfterLoss(load, new JdbcTemplate(servers.replica().getPostgresDatabase()));
                return recovery;
            }
        });
    }

    @Test
    void databaseIsRestored() throws Exception {
        PostgresServer server = new PostgresServer();
        Recovery.isFastAfter("a point-in-time recovery", () -> {
            try (ConfigurableApplicationContext service = Instance.start(server.details(), QUIET);
                    Load load = new Load(service.getBean(Client.class))) {
                load.expectKeptWrites();
                Path copy = server.copy();
                load.awaitWork();
                server.kill();
                load.expectLostWrites();
                server.restore(copy, true);
                Waiting.until(() -> Boolean.FALSE.equals(
                        server.jdbc().queryForObject("select pg_is_in_recovery()", Boolean.class)));

                Map<String, Duration> recovery = load.recovery();
                endAfterLoss(load, server.jdbc());
                return recovery;
            }
        });
    }

    /** The four followers, and the follower that resumed, have received lost events. An older cursor remains valid. */
    private static void endAfterLoss(Load load, JdbcTemplate database) {
        List<TrackedFollower> lost = List.copyOf(load.followers().subList(0, 5));
        TrackedFollower resumed = load.resumeFromStart();
        load.end(database);
        assertThat(lost).allMatch(TrackedFollower::isExpired);
        assertThat(resumed.isExpired()).isFalse();
    }

    private interface Fault {
        /** Returns once the cause is removed, and PostgreSQL accepts connections. */
        void cause() throws Exception;
    }

    private static void losesNothing(String name, int times, PostgresServer server, Fault fault) throws Exception {
        try (ConfigurableApplicationContext service = Instance.start(server.details(), QUIET);
                Load load = new Load(service.getBean(Client.class))) {
            for (int i = 0; i < times; i++) {
                Recovery.isFastAfter(name, () -> {
                    fault.cause();
                    return load.recovery();
                });
            }
            load.end(server.jdbc());
            assertThat(load.followers()).noneMatch(TrackedFollower::isExpired);
        }
    }

    private static void kill(EmbeddedPostgres server) throws Exception {
        String data =
                new JdbcTemplate(server.getPostgresDatabase()).queryForObject("show data_directory", String.class);
        PostgresServer.kill(Path.of(Objects.requireNonNull(data)));
    }

    private static void promote(EmbeddedPostgres standby) {
        new JdbcTemplate(standby.getPostgresDatabase()).queryForObject("select pg_promote()", Boolean.class);
    }
}
