package dev.userdirectory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.userdirectory.event.TrackedFollower;
import dev.userdirectory.subscription.EventStreamClient;
import java.io.IOException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Date;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.boot.SpringApplication;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.jdbc.datasource.DriverManagerDataSource;
import tools.jackson.databind.json.JsonMapper;

/**
 * Sets the wall clock of the service and of PostgreSQL forward and back by an hour. Both run in separate processes,
 * whose clock a small C library changes. Skipped if there is no C compiler.
 */
@Soak("starts processes of the service")
@EnabledIf(value = "isThereCompiler", disabledReason = "There is no C compiler.")
@Timeout(300)
class ClockStepTest {
    private static final HttpClient HTTP =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    /** Enough for a busy machine, and far less than the step of the clock. */
    private static final Duration PATIENCE = Duration.ofSeconds(20);

    private static final int MAX_AGE = 30;
    /** Enough searches to use up the budget several times. */
    private static final int MANY = 200;

    private static final String CREATE =
            "mutation ($email: String!) { createUser(name: \"Somebody\", email: $email) { user { id } } }";
    private static final String USER = "query ($id: ID!) { user(id: $id) { version } }";

    private final int postgresPort = Ports.freePort();

    @TempDir
    Path folder;

    static boolean isThereCompiler() {
        return Stream.of(String.valueOf(System.getenv("PATH")).split(":", -1))
                .anyMatch(path -> Files.isExecutable(Path.of(path, "cc")));
    }

    /** The service, and a PostgreSQL that inherits its environment. */
    public static final class Server {
        private Server() {}

        public static void main(String[] args) {
            new PostgresServer(Objects.requireNonNull(Integer.getInteger("postgres.port")));
            SpringApplication.run(UserDirectoryApplication.class, args);
        }
    }

    @Test
    void servesRequestsAndEventsCorrectlyAfterClockSteps() throws Exception {
        Path clock = folder.resolve("offset");
        Files.writeString(clock, "0");
        try (ServiceProcess service = start(clock)) {
            service.awaitFirstAnswer();
            String id = create(service);
            String spender = Tokens.of("spender", "users:read");
            try (Load load = new Load(new Client(() -> service.graphQl().getPort()))) {
                Recovery.isFastAfter("four steps of the clock", () -> {
                    Map<String, Duration> recoveries = new HashMap<>();
                    for (int hours : new int[] {1, 0, -1, 0}) {
                        int searches = 0;
                        while (search(service, spender)) {
                            assertThat(++searches).isLessThan(MANY);
                        }
                        maxAge(service, id);

                        Files.writeString(
                                clock, String.valueOf(Duration.ofHours(hours).toSeconds()));

                        load.recovery()
                                .forEach((client, after) -> recoveries.merge(
                                        client, after, (one, other) -> one.compareTo(other) > 0 ? one : other));
                        awaitConnections(service);
                        assertThat(maxAge(service, id)).isBetween(0, MAX_AGE);
                        // The budget is refilled within five seconds, and partly sooner.
                        await().atMost(PATIENCE).until(() -> search(service, spender));
                    }
                    return recoveries;
                });
                assertStreamEndsWithItsToken(service, clock, id);
                load.end(new JdbcTemplate(new DriverManagerDataSource(url(), "postgres", "postgres")));
                assertThat(load.followers()).noneMatch(TrackedFollower::isExpired);
            }
        }
    }

    /** The token expires ten seconds later, however the clock is set meanwhile. */
    private static void assertStreamEndsWithItsToken(ServiceProcess service, Path clock, String user) throws Exception {
        String token = Tokens.sign(Tokens.claims()
                .claim("scope", "users:read")
                .expirationTime(Date.from(Instant.now().plusSeconds(10)))
                .build());
        String quiet = "subscription ($user: ID!) { userEvents(userId: $user) { type } }";
        try (EventStreamClient stream =
                new EventStreamClient(service.graphQl(), token, quiet, Map.of("user", user), null)) {
            Files.writeString(clock, String.valueOf(Duration.ofHours(-1).toSeconds()));

            assertThat(stream.expect("next")
                            .data()
                            .at("/errors/0/extensions/code")
                            .asString())
                    .isEqualTo("UNAUTHENTICATED");
            stream.expect("complete");
        }
    }

    private String url() {
        return "jdbc:postgresql://localhost:" + postgresPort + "/postgres";
    }

    /** Tomcat closes connections that seem to have been idle for an hour once the clock is set. */
    private static void awaitConnections(ServiceProcess service) {
        await().ignoreExceptionsInstanceOf(IOException.class)
                .until(() -> service.post("{ __typename }", Map.of()) != null);
        await().ignoreExceptionsInstanceOf(IOException.class)
                .until(() -> send(service, service.token(), "{ __typename }", Map.of()) != null);
    }

    private ServiceProcess start(Path clock) throws IOException, InterruptedException {
        Path library = folder.resolve("clock.so");
        int compiled = new ProcessBuilder("cc", "-shared", "-fPIC", "-o", library.toString(), "src/test/c/clock.c")
                .inheritIO()
                .start()
                .waitFor();
        assertThat(compiled).isZero();
        return new ServiceProcess(
                List.of(
                        "-Dpostgres.port=" + postgresPort,
                        "-cp",
                        System.getProperty("java.class.path"),
                        Server.class.getName(),
                        // The first requests are slow, because they also load classes.
                        "--directory.limits.deadline=60s",
                        // A search costs most of the budget. Far less is refilled during a search.
                        "--directory.limits.cost=200000",
                        "--directory.rate-limit.cost=200000",
                        "--directory.rate-limit.period=5s"),
                url(),
                Path.of("target", "clock-step.log"),
                Map.of("LD_PRELOAD", library.toString(), "CLOCK_OFFSET", clock.toString()));
    }

    private static String create(ServiceProcess service) throws IOException, InterruptedException {
        return service.post(CREATE, Map.of("email", Directory.newEmail()))
                .at("/data/createUser/user/id")
                .asString();
    }

    /** Searches for a different text each time, because cached responses cost nothing. */
    private static boolean search(ServiceProcess service, String token) throws IOException, InterruptedException {
        String query = "{ users(first: 100, filter: {search: \"" + Directory.newEmail()
                + "\"}) { nodes { groups(first: 70) { nodes { members(first: 20) { nodes { id } } } } } } }";
        return !JsonMapper.shared()
                .readTree(send(service, token, query, Map.of()).body())
                .has("errors");
    }

    /** How long the response may be cached. */
    private static int maxAge(ServiceProcess service, String id) throws IOException, InterruptedException {
        String control = send(service, service.token(), USER, Map.of("id", id))
                .headers()
                .firstValue("Cache-Control")
                .orElseThrow();
        return Integer.parseInt(control.replaceAll("\\D", ""));
    }

    private static HttpResponse<String> send(
            ServiceProcess service, String token, String query, Map<String, ?> variables)
            throws IOException, InterruptedException {
        HttpRequest request = HttpRequest.newBuilder(service.graphQl())
                .header("Content-Type", "application/json")
                .header("Authorization", "Bearer " + token)
                .POST(BodyPublishers.ofString(
                        JsonMapper.shared().writeValueAsString(Map.of("query", query, "variables", variables))))
                .build();
        return HTTP.send(request, BodyHandlers.ofString());
    }
}
