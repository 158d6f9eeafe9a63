package dev.userdirectory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.userdirectory.event.TrackedFollower;
import java.io.IOException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.boot.SpringApplication;
import tools.jackson.databind.JsonNode;
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
    private static final String UPDATE =
            "mutation ($id: ID!, $name: String!) { updateUser(id: $id, name: $name) { user { version } } }";
    private static final String USER = "query ($id: ID!) { user(id: $id) { version } }";

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
            String url = new PostgresServer().details().getJdbcUrl();
            SpringApplication.run(
                    UserDirectoryApplication.class,
                    Arrays.stream(args)
                            .map(arg ->
                                    arg.startsWith("--spring.datasource.url") ? "--spring.datasource.url=" + url : arg)
                            .toArray(String[]::new));
        }
    }

    @Test
    void servesRequestsAndEventsCorrectlyAfterClockSteps() throws Exception {
        Path clock = folder.resolve("offset");
        Files.writeString(clock, "0");
        List<TrackedFollower> followers = new ArrayList<>();
        try (ServiceProcess service = start(clock)) {
            service.awaitFirstAnswer();
            create(service);
            String start = await().until(() -> newestCursor(service), cursor -> !cursor.isEmpty());
            String id = create(service);
            List<String> expected = new ArrayList<>(List.of("CREATED " + id));
            String spender = Tokens.of("spender", "users:read");
            followers.add(new TrackedFollower(service.graphQl(), service.token(), start, ""));
            followers.add(new TrackedFollower(service.graphQl(), service.token(), start, "user { name }"));

            for (int hours : new int[] {1, 0, -1, 0}) {
                int searches = 0;
                while (search(service, spender)) {
                    assertThat(++searches).isLessThan(MANY);
                }
                maxAge(service, id);

                Files.writeString(clock, String.valueOf(Duration.ofHours(hours).toSeconds()));

                awaitConnections(service);
                assertThat(maxAge(service, id)).isBetween(0, MAX_AGE);
                int version = service.post(UPDATE, Map.of("id", id, "name", Directory.newEmail()))
                        .at("/data/updateUser/user/version")
                        .asInt();
                assertThat(service.post(USER, Map.of("id", id))
                                .at("/data/user/version")
                                .asInt())
                        .isEqualTo(version);
                expected.add("UPDATED " + id);
                expected.add("CREATED " + create(service));
                followers.add(new TrackedFollower(service.graphQl(), service.token(), start, ""));
                for (TrackedFollower follower : followers) {
                    await().atMost(PATIENCE).until(() -> follower.events().equals(expected));
                    assertThat(follower.errors()).isEmpty();
                }
                // The budget is refilled within five seconds, and partly sooner.
                await().atMost(PATIENCE).until(() -> search(service, spender));
            }
        } finally {
            followers.forEach(TrackedFollower::close);
        }
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
                        "-cp",
                        System.getProperty("java.class.path"),
                        Server.class.getName(),
                        // The first requests are slow, because they also load classes.
                        "--directory.limits.deadline=60s",
                        "--directory.rate-limit.cost=20000",
                        "--directory.rate-limit.period=5s"),
                "",
                Path.of("target", "clock-step.log"),
                Map.of("LD_PRELOAD", library.toString(), "CLOCK_OFFSET", clock.toString()));
    }

    private static String newestCursor(ServiceProcess service) throws IOException, InterruptedException {
        JsonNode cursor = service.post("{ userEvents(first: 0) { newestCursor } }", Map.of())
                .at("/data/userEvents/newestCursor");
        return cursor.isString() ? cursor.asString() : "";
    }

    private static String create(ServiceProcess service) throws IOException, InterruptedException {
        return service.post(CREATE, Map.of("email", Directory.newEmail()))
                .at("/data/createUser/user/id")
                .asString();
    }

    /** Searches for a different text each time, because cached responses cost nothing. */
    private static boolean search(ServiceProcess service, String token) throws IOException, InterruptedException {
        String query = "{ users(filter: {search: \"" + Directory.newEmail() + "\"}) { nodes { id } } }";
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
