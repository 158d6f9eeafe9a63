package dev.userdirectory.lambda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.amazonaws.serverless.exceptions.ContainerInitializationException;
import com.amazonaws.services.lambda.runtime.RequestStreamHandler;
import com.sun.net.httpserver.HttpServer;
import dev.userdirectory.Directory;
import dev.userdirectory.DirectoryTest;
import dev.userdirectory.Tokens;
import dev.userdirectory.Waiting;
import dev.userdirectory.contract.SpecificationCase;
import java.io.File;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.crac.Context;
import org.crac.Resource;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.jdbc.autoconfigure.JdbcConnectionDetails;
import org.springframework.core.env.Environment;
import org.springframework.jdbc.core.JdbcTemplate;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Runs the function as AWS Lambda does: Amazon's runtime runs in its own process, loads the handler from a folder
 * with the contents of the zip, and receives events from a stand-in for the Runtime API. There are three instances: one
 * started for its first event, one restored from a simulated snapshot, and one whose snapshot was not primed.
 */
@DirectoryTest
@TestInstance(Lifecycle.PER_CLASS)
@EnabledOnOs(value = OS.LINUX, disabledReason = "Amazon's runtime has native code for Linux alone")
class LambdaTest {
    private static final JsonMapper JSON = JsonMapper.shared();
    private static final String INSTANCES = "select count(*) from pg_stat_activity where usename = ?";

    @Autowired
    JdbcConnectionDetails postgres;

    @Autowired
    Environment env;

    @Autowired
    Directory directory;

    @Autowired
    JdbcTemplate jdbc;

    /** The password of each role in Secrets Manager. */
    private final Map<String, String> passwords = new ConcurrentHashMap<>();

    private HttpServer secrets;
    private Path task;
    private Instance started;
    private Instance restored;
    private int connectionsBefore;
    private int connectionsInSnapshot;
    private String user;

    /** A handler that does nothing before a snapshot. */
    public static class Unprimed extends LambdaHandler {
        public Unprimed() throws ContainerInitializationException {}

        @Override
        public void beforeCheckpoint(Context<? extends Resource> context) {
            // No priming.
        }
    }

    /** A process that runs the function. */
    private class Instance {
        final RuntimeApi api = new RuntimeApi();
        final String name = "lambda_" + UUID.randomUUID().toString().replace('-', '_');
        final long start = System.nanoTime();
        final Process process;
        final Path log = task.resolve(name + ".log");

        Instance(String initialization) throws IOException {
            this(LambdaHandler.class, initialization);
        }

        /** @param unreadable tables that the instance may not read */
        Instance(Class<? extends LambdaHandler> handler, String initialization, String... unreadable)
                throws IOException {
            String runtime = Stream.of(System.getProperty("java.class.path").split(File.pathSeparator))
                    .filter(jar -> jar.matches(".*/(aws-lambda-java-[^/]*|utils-lite-[^/]*)\\.jar"))
                    .collect(Collectors.joining(File.pathSeparator));
            ProcessBuilder builder = new ProcessBuilder(
                            Path.of(System.getProperty("java.home"), "bin", "java")
                                    .toString(),
                            "-XX:+UseSerialGC",
                            "--add-opens=java.base/java.io=ALL-UNNAMED",
                            "--enable-native-access=ALL-UNNAMED",
                            "-cp",
                            runtime,
                            "com.amazonaws.services.lambda.runtime.api.client.AWSLambda",
                            handler.getName())
                    .directory(task.toFile())
                    .redirectErrorStream(true)
                    .redirectOutput(log.toFile());
            builder.environment()
                    .putAll(Map.of(
                            "AWS_LAMBDA_RUNTIME_API",
                            api.address(),
                            "AWS_LAMBDA_INITIALIZATION_TYPE",
                            initialization,
                            "AWS_LAMBDA_FUNCTION_NAME",
                            "user-directory",
                            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
                            "2048",
                            "_HANDLER",
                            handler.getName(),
                            "SPRING_DATASOURCE_URL",
                            postgres.getJdbcUrl().replaceFirst("\\?.*", ""), // its user
                            "SPRING_DATASOURCE_HIKARI_CREDENTIALSPROVIDERCLASSNAME",
                            DatabaseSecret.class.getName(),
                            DatabaseSecret.VARIABLE,
                            "arn:" + name,
                            "SPRING_SECURITY_OAUTH2_RESOURCESERVER_JWT_PUBLIC_KEY_LOCATION",
                            env.getRequiredProperty("spring.security.oauth2.resourceserver.jwt.public-key-location")));
            builder.environment()
                    .putAll(Map.of(
                            "AWS_ENDPOINT_URL_SECRETS_MANAGER",
                            "http://localhost:" + secrets.getAddress().getPort(),
                            "AWS_REGION",
                            "eu-central-1",
                            "AWS_ACCESS_KEY_ID",
                            "test",
                            "AWS_SECRET_ACCESS_KEY",
                            "test"));
            jdbc.execute("create role " + name + " login password 'first'");
            passwords.put(name, "first");
            jdbc.execute("grant all on all tables in schema public to " + name);
            for (String table : unreadable) {
                jdbc.execute("revoke all on " + table + " from " + name);
            }
            process = builder.start();
        }

        /** Sends an event and returns the HTTP response. */
        JsonNode send(String event) throws Exception {
            RuntimeApi.Outcome outcome = api.invoke(event);
            assertThat(outcome.failed()).as(outcome.body()).isFalse();
            JsonNode response = JSON.readTree(outcome.body());
            assertThat(response.get("isBase64Encoded").asBoolean()).isFalse();
            return response;
        }

        int connections() {
            return Objects.requireNonNull(jdbc.queryForObject(INSTANCES, Integer.class, name));
        }

        /** The processor time used so far. A busy machine affects it less than it affects elapsed time. */
        Duration processorTime() {
            return process.info().totalCpuDuration().orElseThrow();
        }

        String log() throws IOException {
            return Files.readString(log);
        }

        void stop() throws InterruptedException {
            process.destroy();
            if (!process.waitFor(10, TimeUnit.SECONDS)) {
                process.destroyForcibly().waitFor();
            }
            api.close();
            jdbc.execute("drop owned by " + name);
            jdbc.execute("drop role " + name);
        }
    }

    @BeforeAll
    void coldStarts() throws Exception {
        user = directory.createUser();
        unpack();
        secrets = secretsManager();
        started = new Instance("on-demand");
        started.api.awaitInitialization();
        long startedAfter = System.nanoTime() - started.start;
        long startedFirst = first(started);

        restored = new Instance("snap-start");
        restored.api.awaitSnapshot();
        long snapshotAfter = System.nanoTime() - restored.start;
        connectionsBefore = started.connections();
        // The pool's threads stop with a short delay.
        Waiting.until(() -> restored.connections() == 0);
        connectionsInSnapshot = restored.connections();
        long restoration = System.nanoTime();
        restored.api.restore();
        restored.api.awaitInitialization();
        restoration = System.nanoTime() - restoration;
        Duration restoredBefore = restored.processorTime();
        long restoredFirst = first(restored);
        Duration restoredWork = restored.processorTime().minus(restoredBefore);

        Instance unprimed = new Instance(Unprimed.class, "snap-start");
        try {
            unprimed.api.awaitSnapshot();
            long unprimedRestoration = System.nanoTime();
            unprimed.api.restore();
            unprimed.api.awaitInitialization();
            unprimedRestoration = System.nanoTime() - unprimedRestoration;
            Duration unprimedBefore = unprimed.processorTime();
            long unprimedFirst = first(unprimed);
            Duration unprimedWork = unprimed.processorTime().minus(unprimedBefore);
            print(startedAfter, startedFirst, first(started), "started for its first event");
            print(unprimedRestoration, unprimedFirst, first(unprimed), "restored from a snapshot without priming");
            print(restoration, restoredFirst, first(restored), "restored from a primed snapshot");
            assertThat(restoredWork).as("first query of the primed instance").isLessThan(unprimedWork);
        } finally {
            unprimed.stop();
        }
        System.out.printf(
                "(the snapshot was ready after %d ms, when the version was published)%n%n", millis(snapshotAfter));
    }

    /** A stand-in for Secrets Manager. The ARN of a secret ends in the role whose password it has. */
    private HttpServer secretsManager() throws IOException {
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", exchange -> {
            String role = JSON.readTree(exchange.getRequestBody())
                    .get("SecretId")
                    .asString()
                    .replaceFirst(".*:", "");
            String secret = JSON.writeValueAsString(Map.of("username", role, "password", passwords.get(role)));
            byte[] body = JSON.writeValueAsBytes(Map.of("SecretString", secret));
            exchange.getResponseHeaders().set("Content-Type", "application/x-amz-json-1.1");
            exchange.sendResponseHeaders(200, body.length);
            exchange.getResponseBody().write(body);
            exchange.close();
        });
        server.start();
        return server;
    }

    private static void print(long before, long first, long second, String how) {
        System.out.printf(
                "Cold start on AWS Lambda's runtime, %s: %d ms, first query %d ms, second %d ms%n",
                how, millis(before), millis(first), millis(second));
    }

    private long first(Instance instance) throws Exception {
        String event = httpApi();
        long start = System.nanoTime();
        JsonNode response = instance.send(event);
        long time = System.nanoTime() - start;
        assertThat(body(response).at("/data/user/name").asString())
                .as(response.toString())
                .isEqualTo("User 0");
        return time;
    }

    private static long millis(long nanos) {
        return Duration.ofNanos(nanos).toMillis();
    }

    /** Lays out the folder as deploy/lambda/assembly.xml does, and adds the handlers of the tests. */
    private void unpack() throws IOException {
        task = Files.createTempDirectory("lambda");
        try (Stream<Path> classes = Files.list(Path.of("target", "classes").toAbsolutePath())) {
            for (Path top : classes.toList()) {
                Files.createSymbolicLink(task.resolve(top.getFileName()), top);
            }
        }
        Path lib = Files.createDirectory(task.resolve("lib"));
        String jars = Files.readString(Path.of("target", "lambda.classpath"));
        for (String jar : jars.strip().split(Pattern.quote(File.pathSeparator), -1)) {
            Files.createSymbolicLink(lib.resolve(Path.of(jar).getFileName()), Path.of(jar));
        }
        String unprimed = Unprimed.class.getName().replace('.', '/') + ".class";
        try (JarOutputStream jar = new JarOutputStream(Files.newOutputStream(lib.resolve("unprimed.jar")))) {
            jar.putNextEntry(new JarEntry(unprimed));
            Files.copy(Path.of("target", "test-classes", unprimed), jar);
        }
    }

    @AfterAll
    void stop() throws InterruptedException {
        for (Instance instance :
                Stream.of(started, restored).filter(Objects::nonNull).toList()) {
            instance.stop();
        }
        secrets.stop(0);
    }

    @Test
    void usesNewPasswordAfterRotation() throws Exception {
        jdbc.execute("alter role " + started.name + " password 'second'");
        passwords.put(started.name, "second");
        jdbc.queryForList("select pg_terminate_backend(pid) from pg_stat_activity where usename = ?", started.name);

        assertThat(body(started.send(httpApi())).at("/data/user/name").asString())
                .isEqualTo("User 0");
    }

    @Test
    void answersEventsOfHttpApis() throws Exception {
        JsonNode response = restored.send(httpApi());
        assertThat(response.get("statusCode").asInt()).isEqualTo(200);
        assertThat(response.at("/headers/Content-Type").asString()).startsWith("application/json");
        assertThat(response.at("/headers/Vary").asString()).contains("Origin", "Access-Control-Request-Method");
        JsonNode data = body(response).get("data");
        assertThat(data.at("/user/email").asString()).contains("@example.com");
        assertThat(data.at("/users/nodes")).hasSize(1);
        assertThat(data.at("/users/totalCount").asInt()).isPositive();
    }

    @Test
    void answersEventsOfFunctionUrls() throws Exception {
        JsonNode response = restored.send(event("function-url"));
        assertThat(response.get("statusCode").asInt()).isEqualTo(200);
        assertThat(response.at("/headers/Content-Type").asString()).startsWith("application/graphql-response+json");
        JsonNode payload = body(response).at("/data/createUser");
        assertThat(payload.get("user").isNull()).isTrue();
        assertThat(Directory.refusals(payload)).containsExactly("email INVALID");
    }

    @Test
    void checksTokensItself() throws Exception {
        JsonNode response = restored.send(httpApi().replace("Bearer ", "Bearer not."));
        assertThat(response.get("statusCode").asInt()).isEqualTo(401);
        assertThat(response.at("/headers/WWW-Authenticate").asString()).contains("invalid_token");

        String anonymous = httpApi().replaceFirst("\"authorization\": [^,]*,", "");
        assertThat(body(restored.send(anonymous))
                        .at("/errors/0/extensions/code")
                        .asString())
                .isEqualTo("UNAUTHENTICATED");
    }

    @Test
    void rejectsRequestForStream() throws Exception {
        for (String header : List.of(
                "\"accept\": \"text/event-stream, multipart/mixed\"",
                "\"accept\": \"multipart/mixed\"",
                "\"accept\": \"text/*\"",
                "\"upgrade\": \"websocket\"")) {
            JsonNode response = restored.send(httpApi().replaceFirst("\"accept\": \"[^\"]*\"", header));
            assertThat(response.get("statusCode").asInt()).isEqualTo(501);
            JsonNode error = body(response).at("/errors/0");
            assertThat(error.get("message").asString()).contains("not served on AWS Lambda");
            assertThat(error.at("/extensions/code").asString()).isEqualTo("NOT_IMPLEMENTED");
        }
        JsonNode export = restored.send(httpApi().replace("\"rawPath\": \"/graphql\"", "\"rawPath\": \"/export\""));
        assertThat(export.get("statusCode").asInt()).isEqualTo(501);
        for (String path : List.of("/export/", "//export", "/%65xport")) {
            JsonNode other = restored.send(httpApi()
                    .replace("\"rawPath\": \"/graphql\"", "\"rawPath\": \"" + path + "\"")
                    .replace("\"method\": \"POST\"", "\"method\": \"GET\""));
            assertThat(other.get("statusCode").asInt()).as(path).isBetween(400, 501);
        }
        JsonNode both = restored.send(httpApi()
                .replace("\"application/json\",\n    \"auth", "\"application/json, text/event-stream\",\n    \"auth"));
        assertThat(both.get("statusCode").asInt()).isEqualTo(200);
    }

    static Stream<SpecificationCase> specificationCases() {
        return SpecificationCase.all();
    }

    @ParameterizedTest
    @MethodSource("specificationCases")
    void conformsToTheSpecifications(SpecificationCase each) throws Exception {
        String body = JSON.writeValueAsString(each.request());
        String event = httpApi()
                .replaceFirst(
                        "\"body\": .*", Matcher.quoteReplacement("\"body\": " + JSON.writeValueAsString(body) + ","));

        assertThat(each.differences(body(restored.send(event)))).isEmpty();
    }

    @Test
    void rejectsSubscriptionInJson() throws Exception {
        String body = JSON.writeValueAsString(Map.of("query", "subscription { userEvents { type } }"));
        JsonNode response = restored.send(httpApi()
                .replaceFirst(
                        "\"body\": .*", Matcher.quoteReplacement("\"body\": " + JSON.writeValueAsString(body) + ",")));

        assertThat(body(response).has("data")).isFalse();
        assertThat(body(response).at("/errors/0/message").asString()).contains("page by page");
    }

    @Test
    void scheduleTrimsEvents() throws Exception {
        directory.createUsers(4);
        jdbc.update("update user_events set occurred_at = now() - interval '1 year' where (transaction, sequence) in"
                + " (select transaction, sequence from user_events order by transaction, sequence limit 3)");

        assertThat(started.api.invoke(event("schedule")).failed()).isFalse();

        Waiting.until(() -> Integer.valueOf(0)
                .equals(jdbc.queryForObject(
                        "select count(*) from user_events where occurred_at < now() - interval '1 month'",
                        Integer.class)));
    }

    @Test
    void scheduleReportsThatTrimmingFailed() throws Exception {
        jdbc.execute("revoke delete on user_events from " + started.name);
        try {
            assertThat(started.api.invoke(event("schedule")).failed()).isTrue();
        } finally {
            jdbc.execute("grant delete on user_events to " + started.name);
        }
    }

    @Test
    void reportsBadEventAndAnswersTheNext() throws Exception {
        for (String bad : List.of(event("websocket-connect"), "{}", "[1]", "{\"version\": \"2.0\"}", "not JSON")) {
            RuntimeApi.Outcome outcome = restored.api.invoke(bad);
            assertThat(outcome.failed()).as(bad).isTrue();
            assertThat(JSON.readTree(outcome.body()).get("errorMessage").asString())
                    .isNotBlank();
        }
        assertThat(JSON.readTree(restored.api.invoke("{}").body())
                        .get("errorMessage")
                        .asString())
                .contains("payload format version 2.0");
        assertThat(restored.send(httpApi()).get("statusCode").asInt()).isEqualTo(200);
    }

    @Test
    void snapshotHoldsNoConnections() {
        assertThat(connectionsBefore).as("of an instance that answers").isPositive();
        assertThat(connectionsInSnapshot).isZero();
        Waiting.until(() -> restored.connections() > 0);
    }

    @Test
    void takesNoSnapshotOfServiceThatCannotReadItsTables() throws Exception {
        Instance instance = new Instance(LambdaHandler.class, "snap-start", "users");
        try {
            assertThatThrownBy(instance.api::awaitSnapshot).hasStackTraceContaining("CheckpointException");
            assertThat(instance.process.waitFor(120, TimeUnit.SECONDS)).isTrue();
            assertThat(instance.process.exitValue()).isNotZero();
        } finally {
            instance.stop();
        }
    }

    @Test
    void logsNeitherTokenNorAddress() throws IOException {
        assertThat(restored.log()).doesNotContain("Bearer", "@example.com", "203.0.113");
    }

    @Test
    void templateNamesTheHandlerAndTheZip() throws IOException {
        String template = Files.readString(Path.of("deploy", "lambda", "template.yaml"));
        assertThat(LambdaHandler.class).isAssignableTo(RequestStreamHandler.class);
        assertThat(template)
                .contains("Handler: " + LambdaHandler.class.getName() + "\n")
                .contains("Runtime: java" + Runtime.version().feature() + "\n");
        assertThat(template)
                .contains("SPRING_DATASOURCE_HIKARI_CREDENTIALSPROVIDERCLASSNAME: " + DatabaseSecret.class.getName()
                        + "\n")
                .contains(DatabaseSecret.VARIABLE + ": !Ref DatabaseSecret\n")
                .doesNotContain("{{resolve:");
        Path zip = Path.of("deploy", "lambda", template.replaceFirst("(?s).*CodeUri: (\\S+).*", "$1"));
        assertThat(zip.normalize()).isEqualTo(Path.of("target", "user-directory-lambda.zip"));
        assertThat(Files.readString(Path.of("pom.xml"))).contains("<finalName>user-directory-lambda</finalName>");
    }

    private String httpApi() throws IOException {
        return event("http-api");
    }

    private String event(String name) throws IOException {
        return Files.readString(Path.of("src", "lambda", "test", "events", name + ".json"), StandardCharsets.UTF_8)
                .replace("${token}", Tokens.withScopes("users:read users:write"))
                .replace("${user}", user);
    }

    private static JsonNode body(JsonNode response) {
        return JSON.readTree(response.get("body").asString());
    }
}
