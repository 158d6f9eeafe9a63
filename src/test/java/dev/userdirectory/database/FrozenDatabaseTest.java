package dev.userdirectory.database;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.userdirectory.Client;
import dev.userdirectory.Directory;
import dev.userdirectory.DirectoryTest;
import dev.userdirectory.Soak;
import dev.userdirectory.TestPostgres;
import dev.userdirectory.Tokens;
import dev.userdirectory.Waiting;
import dev.userdirectory.relay.GlobalId;
import dev.userdirectory.subscription.SocketClient;
import dev.userdirectory.user.User;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpRequest;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.IntStream;
import javax.sql.DataSource;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.beans.factory.annotation.Qualifier;
import org.springframework.boot.jdbc.autoconfigure.JdbcConnectionDetails;
import org.springframework.boot.test.context.TestConfiguration;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Import;
import org.springframework.context.annotation.Primary;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.jdbc.datasource.DriverManagerDataSource;
import org.springframework.jdbc.support.JdbcUtils;
import org.springframework.test.context.DynamicPropertyRegistrar;
import org.springframework.test.context.TestPropertySource;
import tools.jackson.databind.JsonNode;

/**
 * A PostgreSQL that keeps its connections and accepts new ones, but sends nothing more, not even an error. When it is
 * back, the old connections stay silent.
 */
@Soak("waits for timeouts of a silent database")
@DirectoryTest
@Import(FrozenDatabaseTest.Proxied.class)
@TestPropertySource(
        properties = {
            "directory.limits.deadline=2s",
            "directory.events.read-timeout=2s",
            "logging.level.dev.userdirectory.event=error",
            "logging.level.dev.userdirectory.graphql.operation.DeadlineInterceptor=error",
            "spring.datasource.hikari.maximum-pool-size=4",
            "spring.datasource.hikari.data-source-properties.ApplicationName=frozen"
        })
class FrozenDatabaseTest {
    private static final Duration LIMIT = Duration.ofSeconds(2);
    private static final String EVENTS =
            "subscription ($after: String) { userEvents(after: $after) { userId user { name } } }";
    private static final String READER = Tokens.withScopes("users:read");
    private static final String USERS = "{ users(first: 1) { nodes { id } } }";

    @Autowired
    Client client;

    @Autowired
    Proxy proxy;

    @Autowired
    DataSource dataSource;

    @Autowired
    @Qualifier("jdbcConnectionDetails")
    JdbcConnectionDetails direct;

    /** The first requests of a test run are slow, because they also load classes. */
    @BeforeEach
    void warmUp() {
        for (int i = 0; i < 20 && client.execute(USERS, Map.of()).has("errors"); i++) {}
    }

    @Test
    void requestsFailByTheDeadlineAndWorkOnceTheDatabaseIsBack() {
        proxy.freeze();
        // More requests than the pool has connections, and again once all connections are stuck.
        for (int round = 0; round < 2; round++) {
            long started = System.nanoTime();
            List<CompletableFuture<JsonNode>> responses = IntStream.range(0, 12)
                    .mapToObj(i -> CompletableFuture.supplyAsync(
                            () -> client.execute(USERS, Map.of()), task -> Thread.startVirtualThread(task)))
                    .toList();
            for (CompletableFuture<JsonNode> response : responses) {
                assertThat(response.join().at("/errors/0/extensions/code").asString())
                        .isEqualTo("DEADLINE_EXCEEDED");
            }
            assertThat(since(started)).isBetween(LIMIT.minusMillis(50), LIMIT.plusSeconds(4));
        }

        proxy.replace();

        // One second for each silent connection, two for an attempt to open one that began while the server was frozen,
        // two for the request that meets the last of them, and as much again for a busy machine.
        assertThat(timeUntilAnswered()).isLessThan(Duration.ofSeconds(16));
    }

    /** Without requests in the meantime, all connections of the pool are silent, and the pool does not know it. */
    @Test
    void requestsWorkSoonAfterTheDatabaseWasReplaced() {
        // For half a second after its last use, the pool assumes that a connection is alive.
        Waiting.until(() -> Boolean.TRUE.equals(jdbc().queryForObject(
                        "select max(state_change) < clock_timestamp() - interval '600 ms' from pg_stat_activity"
                                + " where application_name = 'frozen'",
                        Boolean.class)));

        proxy.replace();

        assertThat(timeUntilAnswered()).isLessThan(Duration.ofSeconds(8));
    }

    /** If readiness failed, a load balancer would remove every instance at once. */
    @Test
    void staysReadyWhileTheDatabaseIsAway() {
        proxy.freeze();
        try {
            for (String probe : List.of("readiness", "liveness")) {
                assertThat(client.send(HttpRequest.newBuilder(client.uri("/actuator/health/" + probe))
                                        .build())
                                .statusCode())
                        .as(probe)
                        .isEqualTo(200);
            }
        } finally {
            proxy.replace();
        }
    }

    /** A health check, for example, has no deadline, and its statement has no timeout. */
    @Test
    void workWithoutDeadlineNoticesADeadServer() throws Exception {
        Connection connection = dataSource.getConnection();
        try {
            proxy.freeze();
            CompletableFuture<Boolean> valid = CompletableFuture.supplyAsync(() -> isValid(connection));

            assertThat(valid.get(20, TimeUnit.SECONDS)).isFalse();
        } finally {
            proxy.replace();
            JdbcUtils.closeConnection(connection);
        }
    }

    private static boolean isValid(Connection connection) {
        try {
            return connection.isValid(0);
        } catch (SQLException e) {
            return false;
        }
    }

    /** The feed reads from another data source, so it continues while the users of its events cannot be looked up. */
    @Test
    void followersReceiveEventsOnceTheDatabaseIsBack() throws Exception {
        String start = newestCursor();
        List<SocketClient> sockets = new ArrayList<>();
        try {
            for (int i = 0; i < 8; i++) {
                SocketClient live = SocketClient.connect(client.uri("/graphql"), READER);
                sockets.add(live);
                live.subscribe("live", EVENTS, Map.of());
                live.settle();
            }
            for (int i = 0; i < 8; i++) {
                SocketClient resumed = SocketClient.connect(client.uri("/graphql"), READER);
                sockets.add(resumed);
                resumed.subscribe("resumed", EVENTS, Map.of("after", start));
            }
            proxy.freeze();
            String user = insertUser();
            // These lookups, and those of all other requests meanwhile, hang until their deadline.
            CompletableFuture<JsonNode> lookup = CompletableFuture.supplyAsync(
                    () -> client.execute("query ($id: ID!) { user(id: $id) { id } }", Map.of("id", user)),
                    task -> Thread.startVirtualThread(task));
            assertThat(lookup.join().at("/errors/0/extensions/code").asString()).isEqualTo("DEADLINE_EXCEEDED");

            proxy.replace();
            assertThat(timeUntilAnswered()).isLessThan(Duration.ofSeconds(16));

            for (SocketClient socket : sockets) {
                assertThat(follow(socket, start)).isEqualTo("Frozen " + user);
            }
            JsonNode found = client.data("query ($id: ID!) { user(id: $id) { name } }", Map.of("id", user));
            assertThat(found.at("/user/name").asString()).isEqualTo("Frozen");
        } finally {
            sockets.forEach(SocketClient::close);
        }
    }

    /** Returns the next event of the socket's only subscription, and resumes the subscription if it has ended. */
    private static String follow(SocketClient socket, String start) {
        for (int attempts = 0; attempts < 5; attempts++) {
            JsonNode message = Objects.requireNonNull(socket.poll(Duration.ofSeconds(20)), "nothing came");
            if (message.get("type").asString().equals("next")) {
                JsonNode event = message.at("/payload/data/userEvents");
                return event.at("/user/name").asString() + " "
                        + event.get("userId").asString();
            }
            assertThat(message.at("/payload/0/extensions/code").asString()).isEqualTo("DEADLINE_EXCEEDED");
            socket.subscribe("resumed", EVENTS, Map.of("after", start));
        }
        throw new AssertionError("It never resumes");
    }

    private String newestCursor() {
        client.data(
                "mutation { createUser(name: \"First\", email: \"" + Directory.newEmail() + "\") { user { id } } }");
        AtomicReference<String> cursor = new AtomicReference<>();
        await().until(() -> {
            cursor.set(client.data("{ userEvents { newestCursor } }")
                    .at("/userEvents/newestCursor")
                    .asString());
            return jdbc().queryForObject(
                            "select max(transaction) < pg_snapshot_xmin(pg_current_snapshot())::text::bigint from user_events",
                            Boolean.class);
        });
        return cursor.get();
    }

    private String insertUser() {
        UUID id = UUID.randomUUID();
        jdbc().update(
                        "insert into users (id, name, email, active, created_at, updated_at, version)"
                                + " values (?, 'Frozen', ?, true, now(), now(), 0)",
                        id,
                        Directory.newEmail());
        return new GlobalId(User.TYPE, id).toString();
    }

    private JdbcTemplate jdbc() {
        return new JdbcTemplate(new DriverManagerDataSource(
                direct.getJdbcUrl(),
                Objects.requireNonNull(direct.getUsername()),
                Objects.requireNonNull(direct.getPassword())));
    }

    private Duration timeUntilAnswered() {
        long started = System.nanoTime();
        while (client.execute(USERS, Map.of()).has("errors")) {
            assertThat(since(started)).isLessThan(Duration.ofSeconds(30));
        }
        return since(started);
    }

    private static Duration since(long started) {
        return Duration.ofNanos(System.nanoTime() - started);
    }

    @TestConfiguration(proxyBeanMethods = false)
    static class Proxied {
        @Bean(destroyMethod = "close")
        Proxy proxy(TestPostgres postgres) throws IOException {
            return new Proxy(postgres.jdbcConnectionDetails());
        }

        @Bean
        DynamicPropertyRegistrar feedBesideTheProxy(TestPostgres postgres) {
            return registry -> registry.add(
                    "directory.events.url",
                    () -> postgres.jdbcConnectionDetails().getJdbcUrl());
        }

        @Bean
        @Primary
        JdbcConnectionDetails proxied(Proxy proxy) {
            return proxy.details();
        }
    }

    /** Forwards between the service and PostgreSQL, unless it is frozen. */
    static class Proxy {
        private final JdbcConnectionDetails postgres;
        private final URI target;
        private final ServerSocket server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        private volatile boolean frozen;
        private final AtomicInteger generation = new AtomicInteger();

        Proxy(JdbcConnectionDetails postgres) throws IOException {
            this.postgres = postgres;
            target = URI.create(postgres.getJdbcUrl().substring("jdbc:".length()));
            Thread.startVirtualThread(this::accept);
        }

        JdbcConnectionDetails details() {
            return new JdbcConnectionDetails() {
                @Override
                public String getJdbcUrl() {
                    return postgres.getJdbcUrl()
                            .replace(target.getHost() + ":" + target.getPort(), "127.0.0.1:" + server.getLocalPort());
                }

                @Override
                public String getUsername() {
                    return Objects.requireNonNull(postgres.getUsername());
                }

                @Override
                public String getPassword() {
                    return Objects.requireNonNull(postgres.getPassword());
                }
            };
        }

        void freeze() {
            frozen = true;
        }

        /** Serves the connections that are opened from now on. */
        void replace() {
            generation.incrementAndGet();
            frozen = false;
        }

        private void accept() {
            try {
                while (true) {
                    Socket client = server.accept();
                    int own = generation.get();
                    Socket postgres = new Socket(target.getHost(), target.getPort());
                    Thread.startVirtualThread(() -> forward(client, postgres, own));
                    Thread.startVirtualThread(() -> forward(postgres, client, own));
                }
            } catch (IOException e) {
                // closed
            }
        }

        private void forward(Socket from, Socket to, int own) {
            try (from;
                    to;
                    InputStream in = from.getInputStream();
                    OutputStream out = to.getOutputStream()) {
                byte[] bytes = new byte[8192];
                for (int read = in.read(bytes); read >= 0; read = in.read(bytes)) {
                    while (frozen || own < generation.get()) {
                        Thread.sleep(20);
                    }
                    out.write(bytes, 0, read);
                }
            } catch (IOException e) {
                // closed
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }

        void close() {
            try {
                server.close();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }
}
