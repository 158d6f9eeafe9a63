package dev.userdirectory;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.json.JsonMapper;

/** The console output of a service that is started as by {@code spring-boot:test-run}. */
@Soak("starts processes of the service")
class ConsoleTest {
    private static final HttpClient HTTP = HttpClient.newHttpClient();
    private static final Pattern READY =
            Pattern.compile("Ready: (\\S+)  GraphiQL: (\\S+)  Token: curl -s (\\S+) -d (.+)"
                    + "  Stop: Ctrl-C  Start over: delete the folder \\.data$");

    @TempDir
    static Path folder;

    @SuppressWarnings("NullAway.Init") // set before any test
    private static Process service;

    @SuppressWarnings("NullAway.Init")
    private static MatchResult ready;

    @BeforeAll
    static void start() throws IOException, InterruptedException {
        service = service(Map.of(
                        "server.port", Ports.freePort(),
                        "directory.local-issuer.port", Ports.freePort()))
                .redirectOutput(folder.resolve("console").toFile())
                .start();
        while (service.isAlive() && console().stream().noneMatch(line -> line.contains("Ready: "))) {
            Thread.sleep(Duration.ofMillis(50));
        }
        assertThat(console()).last().asString().containsPattern(READY);
        ready = READY.matcher(console().getLast()).results().findFirst().orElseThrow();
    }

    @AfterAll
    static void stop() throws InterruptedException {
        service.destroy();
        service.waitFor();
    }

    @Test
    void readyLineHasCommandThatGetsToken() throws Exception {
        assertThat(query("Authorization", "Bearer " + token()))
                .contains("\"Alice\"")
                .doesNotContain("errors");
    }

    @Test
    void logsNothingAboutRequestsThatSucceed() throws Exception {
        List<String> before = console();

        for (String page : List.of("", "/graphiql", "/graphiql/page.js", "/actuator/health")) {
            send(HttpRequest.newBuilder(URI.create(ready.group(1) + page)));
        }
        send(HttpRequest.newBuilder(URI.create(ready.group(2))));
        query("Authorization", "Bearer " + token());

        assertThat(console()).isEqualTo(before);
    }

    /** Otherwise, each checkpoint and each violated constraint would appear there, too. */
    @Test
    void postgresLogsToFile() throws Exception {
        String ready = "database system is ready to accept connections";

        assertThat(console()).noneMatch(line -> line.contains(ready));
        assertThat(folder.resolve(".data/postgres.log")).content().contains(ready);
    }

    @Test
    void linesHaveTraceIdsIfThereIsTrace() throws Exception {
        String trace = "4bf92f3577b34da6a3ce929d0e0e4736";
        assertThat(console()).noneMatch(line -> line.matches(".*\\[[- ]+].*"));

        query("traceparent", "00-" + trace + "-00f067aa0ba902b7-01");

        assertThat(console().getLast())
                .contains("Access denied: no_token")
                .containsPattern("\\[" + trace + "-\\w{16}] ");
    }

    @ParameterizedTest
    @ValueSource(strings = {"server.port", "management.server.port", "directory.local-issuer.port"})
    void exitsWithOneLineIfPortIsTaken(String property) throws IOException, InterruptedException {
        try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getByName("localhost"))) {
            Map<String, Object> properties =
                    new HashMap<>(Map.of("server.port", 0, "management.server.address", "localhost"));
            properties.put("directory.local-issuer.port", 0);
            properties.put(property, taken.getLocalPort());
            Process second = service(properties).start();
            List<String> output = second.inputReader().lines().toList();

            assertThat(second.waitFor()).isEqualTo(1);
            assertThat(output)
                    .singleElement()
                    .asString()
                    .endsWith("Port %d is taken. Choose another one with \"-Dspring-boot.run.arguments=--%s=…\""
                            .formatted(taken.getLocalPort(), property));
        }
    }

    @Test
    void secondRunLeavesTheDataOfTheFirstAlone() throws IOException, InterruptedException {
        Process second = service(Map.of("server.port", 0, "directory.local-issuer.port", 0))
                .start();
        List<String> output = second.inputReader().lines().toList();

        assertThat(second.waitFor()).isEqualTo(1);
        assertThat(output.getLast()).contains("Another run of the service uses " + folder.resolve(".data"));
        assertThat(folder.resolve(".data/postgres.log")).content().doesNotContain("shutdown request");
    }

    private static ProcessBuilder service(Map<String, ?> properties) {
        String classPath = System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
        ProcessBuilder builder = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-XX:TieredStopAtLevel=1",
                        "-cp",
                        classPath,
                        TestUserDirectoryApplication.class.getName())
                .directory(folder.toFile())
                .redirectErrorStream(true);
        properties.forEach((name, value) -> builder.command().add("--" + name + "=" + value));
        return builder;
    }

    private static List<String> console() throws IOException {
        return Files.readAllLines(folder.resolve("console"));
    }

    private static String token() throws IOException, InterruptedException {
        String response = send(HttpRequest.newBuilder(URI.create(ready.group(3)))
                .header("Content-Type", "application/x-www-form-urlencoded")
                .POST(BodyPublishers.ofString(ready.group(4).replace(" -d ", "&"))));
        return JsonMapper.shared().readTree(response).get("access_token").asString();
    }

    private static String query(String header, String value) throws IOException, InterruptedException {
        return send(HttpRequest.newBuilder(URI.create(ready.group(1) + "/graphql"))
                .header("Content-Type", "application/json")
                .header(header, value)
                .POST(BodyPublishers.ofString("{\"query\": \"{ users(first: 1) { nodes { name } } }\"}")));
    }

    private static String send(HttpRequest.Builder request) throws IOException, InterruptedException {
        return HTTP.send(request.build(), BodyHandlers.ofString()).body();
    }
}
