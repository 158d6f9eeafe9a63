package dev.userdirectory;

import static org.assertj.core.api.Assertions.assertThat;

import dev.userdirectory.subscription.EventStreamClient;
import dev.userdirectory.subscription.SocketClient;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordedFrame;
import jdk.jfr.consumer.RecordingFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The packaged jar, started with {@code java -jar}. */
@Soak("starts the packaged jar")
class ExecutableJarIT {
    private static final String LOOKUPS =
            """
            <configuration version="2.0">
              <event name="jdk.MethodTrace">
                <setting name="enabled">true</setting>
                <setting name="stackTrace">true</setting>
                <setting name="threshold">0 ms</setting>
                <setting name="filter">%1$s::findResource;%1$s::findResources</setting>
              </event>
            </configuration>
            """.formatted("org.springframework.boot.loader.net.protocol.jar.JarUrlClassLoader");
    private static final String SUBSCRIPTION =
            "subscription { directoryEvents(since: \"2020-01-01T00:00:00Z\") { cursor } }";
    private static final List<String> PATHS = List.of(
            "/",
            "/graphiql",
            "/graphiql/page.js",
            "/graphiql/lib/graphiql.min.js",
            "/schema.graphqls",
            "/actuator/health",
            "/actuator/prometheus",
            "/export");
    private static final List<String> DOCUMENTS = List.of(
            "{ users(first: 2, filter: {search: \"some\"}) { totalCount nodes { name } pageInfo { endCursor } } }",
            "{ groups(first: 2) { nodes { members(first: 1) { nodes { email } } } } }",
            "{ directoryEvents(first: 2) { nodes { cursor } } viewer { subject } }",
            "mutation { createUser(name: \"A\", email: \"a@example.com\") { user { id } errors { code } } }",
            "mutation { createUser(name: \"A\", email: \"a@example.com\") { user { id } errors { code } } }",
            "mutation { createUser(name: \"\", email: \"\") { user { id } errors { message } } }");
    private static final List<String> WRONG_DOCUMENTS = List.of(
            "{ users(first: 1",
            "{ users(first: \"one\") { nodes { id none } } }",
            "{ users(first: 1000000) { nodes { id } } }",
            "{ node(id: \"none\") { id } }",
            "query ($id: ID!) { node(id: $id) { id } }",
            "{ directoryEvents(since: \"yesterday\") { nodes { cursor } } }",
            "{ ...a } fragment a on Query { ...a }");
    private static final String TOKEN = Tokens.sign(
            Tokens.claims().claim("scope", "users:read users:write actuator").build());
    private static final HttpClient HTTP = HttpClient.newHttpClient();

    @TempDir
    private Path folder;

    /** Otherwise, requests could wait for each other forever. */
    @Test
    void noRequestLooksUpResources() throws Exception {
        Path settings = Files.writeString(folder.resolve("lookups.jfc"), LOOKUPS);
        Path recording = folder.resolve("lookups.jfr");
        try (EmbeddedPostgres postgres = LocalPostgres.embedded().start()) {
            try (ServiceProcess service = start(postgres, settings, recording)) {
                service.awaitFirstAnswer();
                useEverything(service);
            }
        }
        List<RecordedEvent> lookups = RecordingFile.readAllEvents(recording);
        assertThat(lookups).isNotEmpty();
        assertThat(lookups)
                .filteredOn(ExecutableJarIT::canLoseCarrier)
                .extracting(ExecutableJarIT::callers)
                .isEmpty();
    }

    private static ServiceProcess start(EmbeddedPostgres postgres, Path settings, Path recording) throws IOException {
        return new ServiceProcess(
                List.of(
                        "-Xmx256m",
                        "-XX:TieredStopAtLevel=1",
                        "-XX:StartFlightRecording:settings=" + settings + ",filename=" + recording,
                        "-jar",
                        ServiceProcess.jar().toString()),
                postgres.getJdbcUrl("postgres", "postgres"),
                Path.of("target", "executable-jar.log"));
    }

    private static void useEverything(ServiceProcess service) throws Exception {
        for (String path : PATHS) {
            assertThat(get(service, path).statusCode()).as(path).isEqualTo(200);
        }
        assertThat(get(service, "/graphiql/none.js").statusCode()).isEqualTo(404);
        for (String document : DOCUMENTS) {
            assertThat(post(service, document).has("errors")).as(document).isFalse();
        }
        for (String document : WRONG_DOCUMENTS) {
            assertThat(post(service, document).has("errors")).as(document).isTrue();
        }
        try (EventStreamClient stream =
                new EventStreamClient(service.graphQl(), service.token(), SUBSCRIPTION, Map.of(), null)) {
            stream.expect("next");
        }
        try (SocketClient socket = SocketClient.connect(service.graphQl(), service.token())) {
            socket.subscribe("1", SUBSCRIPTION, Map.of());
            socket.expect("next");
        }
    }

    private static HttpResponse<String> get(ServiceProcess service, String path)
            throws IOException, InterruptedException {
        return send(HttpRequest.newBuilder(service.graphQl().resolve(path)));
    }

    private static JsonNode post(ServiceProcess service, String document) throws IOException, InterruptedException {
        String body = JsonMapper.shared().writeValueAsString(Map.of("query", document));
        return JsonMapper.shared()
                .readTree(send(HttpRequest.newBuilder(service.graphQl())
                                .header("Content-Type", "application/json")
                                .POST(BodyPublishers.ofString(body)))
                        .body());
    }

    private static HttpResponse<String> send(HttpRequest.Builder request) throws IOException, InterruptedException {
        return HTTP.send(
                request.header("Authorization", "Bearer " + TOKEN)
                        .timeout(Duration.ofMinutes(1))
                        .build(),
                BodyHandlers.ofString());
    }

    /** A thread that initializes a class keeps its carrier thread. */
    private static boolean canLoseCarrier(RecordedEvent lookup) {
        return lookup.getThread().isVirtual()
                && lookup.getStackTrace().getFrames().stream()
                        .map(RecordedFrame::getMethod)
                        .noneMatch(method -> method.getName().equals("<clinit>"));
    }

    private static String callers(RecordedEvent lookup) {
        return lookup.getStackTrace().getFrames().stream()
                .map(RecordedFrame::getMethod)
                .map(method -> method.getType().getName() + "." + method.getName())
                .collect(Collectors.joining("\n", "", "\n"));
    }
}
