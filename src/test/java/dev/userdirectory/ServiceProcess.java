package dev.userdirectory;

import static dev.userdirectory.Ports.freePort;
import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.net.http.HttpTimeoutException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Date;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The service in a separate process, which keeps its port when it is restarted, and a client with a token. */
public final class ServiceProcess implements AutoCloseable {
    private static final JsonMapper JSON = JsonMapper.shared();
    private static final HttpClient HTTP =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    private final List<String> command = new ArrayList<>();
    private final String token = tokenOf("somebody");
    private final URI graphQl;
    private final Path log;
    private final Map<String, String> environment;
    private long startNanos;
    private Process process;

    /**
     * @param java arguments of {@code java}: its options, then a jar or a class
     * @param databaseUrl the URL of a PostgreSQL whose user and password are {@code postgres}
     * @param log the file to which the service's output is appended
     */
    public ServiceProcess(List<String> java, String databaseUrl, Path log) throws IOException {
        this(java, databaseUrl, log, Map.of());
    }

    /** @param environment variables in addition to those of this process */
    public ServiceProcess(List<String> java, String databaseUrl, Path log, Map<String, String> environment)
            throws IOException {
        this.log = log;
        this.environment = environment;
        int port = freePort();
        graphQl = URI.create("http://localhost:" + port + "/graphql");
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(java);
        command.addAll(List.of(
                "--server.port=" + port,
                "--server.address=localhost",
                "--spring.datasource.url=" + databaseUrl,
                "--spring.datasource.username=postgres",
                "--spring.datasource.password=postgres",
                // With a public key, Spring Boot accepts a single algorithm only.
                "--spring.security.oauth2.resourceserver.jwt.jws-algorithms=RS256",
                "--spring.security.oauth2.resourceserver.jwt.public-key-location=" + Tokens.publicKey()));
        process = start();
    }

    /** A token that lasts longer than any test. */
    public static String tokenOf(String subject) {
        return Tokens.sign(Tokens.claims()
                .subject(subject)
                .claim("scope", "users:read users:write")
                .expirationTime(Date.from(Instant.now().plus(Duration.ofDays(1))))
                .build());
    }

    /** The packaged jar, with output in {@code target/<name>.log}. It starts faster without C2. */
    public static ServiceProcess ofJar(String name, String databaseUrl) throws IOException {
        return ofJar(name, databaseUrl, Map.of());
    }

    /** @param environment variables in addition to those of this process */
    public static ServiceProcess ofJar(String name, String databaseUrl, Map<String, String> environment)
            throws IOException {
        return new ServiceProcess(
                List.of("-Xmx256m", "-XX:TieredStopAtLevel=1", "-jar", jar().toString()),
                databaseUrl,
                Path.of("target", name + ".log"),
                environment);
    }

    private Process start() throws IOException {
        startNanos = System.nanoTime();
        ProcessBuilder builder = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()));
        builder.environment().putAll(environment);
        return builder.start();
    }

    /** The jar that {@code ./mvnw package} built. */
    public static Path jar() throws IOException {
        try (DirectoryStream<Path> jars = Files.newDirectoryStream(Path.of("target"), "user-directory-*.jar")) {
            for (Path jar : jars) {
                return jar;
            }
        }
        throw new IllegalStateException("There is no target/user-directory-*.jar; build it with ./mvnw package");
    }

    public URI graphQl() {
        return graphQl;
    }

    public String token() {
        return token;
    }

    public boolean isAlive() {
        return process.isAlive();
    }

    public long pid() {
        return process.pid();
    }

    /** Waits until a query is answered, and returns the time since the process was started. */
    public Duration awaitFirstAnswer() throws IOException, InterruptedException {
        while (true) {
            try {
                post("{ users(first: 1) { nodes { id } } }", Map.of());
                return Duration.ofNanos(System.nanoTime() - startNanos);
            } catch (HttpTimeoutException e) {
                throw new IllegalStateException(
                        "The service does not answer. Its threads, except virtual ones without a carrier thread:\n"
                                + threads(),
                        e);
            } catch (IOException e) {
                // Nothing listens yet, or the connection belonged to the previous process.
                if (!process.isAlive()) {
                    throw new IllegalStateException("The service does not start; see " + log, e);
                }
                Thread.sleep(Duration.ofMillis(5));
            }
        }
    }

    private String threads() {
        Path jcmd = Path.of(System.getProperty("java.home"), "bin", "jcmd");
        try {
            Process print = new ProcessBuilder(jcmd.toString(), String.valueOf(pid()), "Thread.print").start();
            return new String(print.getInputStream().readAllBytes(), UTF_8);
        } catch (IOException e) {
            return e.toString();
        }
    }

    /**
     * @return the whole response
     * @throws IllegalStateException if it has errors
     */
    public JsonNode post(String document, Map<String, ?> variables) throws IOException, InterruptedException {
        HttpRequest request = HttpRequest.newBuilder(graphQl)
                .timeout(PATIENCE)
                .header("Content-Type", "application/json")
                .header("Authorization", "Bearer " + token)
                .POST(BodyPublishers.ofString(
                        JSON.writeValueAsString(Map.of("query", document, "variables", variables))))
                .build();
        JsonNode response =
                JSON.readTree(HTTP.send(request, BodyHandlers.ofString()).body());
        if (response.has("errors") || !response.has("data")) {
            throw new IllegalStateException(response.toString());
        }
        return response;
    }

    /** @return the data of a response without errors */
    public JsonNode data(String document, Map<String, ?> variables) throws IOException, InterruptedException {
        return post(document, variables).get("data");
    }

    /** @return the lines of a complete export */
    public List<JsonNode> export() throws IOException, InterruptedException {
        HttpRequest request = HttpRequest.newBuilder(graphQl.resolve("/export"))
                .timeout(PATIENCE)
                .header("Authorization", "Bearer " + token)
                .build();
        HttpResponse<String> response = HTTP.send(request, BodyHandlers.ofString());
        if (response.statusCode() != 200) {
            throw new IllegalStateException(response.body());
        }
        return response.body().lines().map(JSON::readTree).toList();
    }

    /** @return resident memory in bytes, as Linux reports it */
    public long residentBytes() throws IOException {
        for (String line : Files.readAllLines(Path.of("/proc", String.valueOf(pid()), "status"))) {
            if (line.startsWith("VmRSS:")) {
                return Long.parseLong(line.replaceAll("\\D", "")) * 1024;
            }
        }
        throw new IllegalStateException("The service has ended; see " + log);
    }

    /** @return the processor time used so far, in user and kernel mode */
    public Duration cpuTime() {
        return process.info().totalCpuDuration().orElse(Duration.ZERO);
    }

    /** {@code kill -9}. */
    public void kill() {
        process.destroyForcibly();
    }

    /** {@code kill -9}, followed by a restart. */
    public void killAndRestart() throws IOException, InterruptedException {
        process.destroyForcibly().waitFor();
        process = start();
        awaitFirstAnswer();
    }

    /** {@code SIGTERM}. */
    void terminate() {
        process.destroy();
    }

    /** Waits until the process has ended, and starts it again. */
    void restart() throws IOException, InterruptedException {
        if (!process.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
            throw new IllegalStateException("The service does not end; see " + log);
        }
        process = start();
        awaitFirstAnswer();
    }

    /** Terminates the service, and waits until it has ended. */
    @Override
    public void close() throws InterruptedException {
        terminate();
        if (!process.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
            process.destroyForcibly().waitFor();
        }
    }
}
