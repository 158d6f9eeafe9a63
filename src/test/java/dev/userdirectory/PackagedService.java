package dev.userdirectory;

import java.io.IOException;
import java.net.ConnectException;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Date;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The packaged service in a process of its own, on a free port, and a client of it that holds a token. */
final class PackagedService implements AutoCloseable {
    private static final JsonMapper JSON = JsonMapper.shared();
    private static final HttpClient HTTP =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

    private final Path log;
    private final URI server;
    private final String authorization;
    private final long startNanos;
    private final Process process;

    /**
     * @param java arguments of {@code java}, which end with the jar
     * @param databaseUrl of a PostgreSQL whose user and password are {@code postgres}
     * @param log where the service's output goes
     */
    PackagedService(List<String> java, String databaseUrl, Path log) throws IOException {
        this.log = log;
        server = URI.create("http://localhost:" + freePort());
        authorization = "Bearer "
                + Tokens.sign(Tokens.claims()
                        .claim("scope", "users:read users:write")
                        .expirationTime(Date.from(Instant.now().plus(Duration.ofDays(1))))
                        .build());
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(java);
        command.addAll(List.of(
                "--server.port=" + server.getPort(),
                "--spring.datasource.url=" + databaseUrl,
                "--spring.datasource.username=postgres",
                "--spring.datasource.password=postgres",
                "--spring.security.oauth2.resourceserver.jwt.public-key-location=" + Tokens.publicKey()));
        startNanos = System.nanoTime();
        process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(log.toFile())
                .start();
    }

    /** The jar that {@code ./mvnw package} built. */
    static Path jar() throws IOException {
        try (DirectoryStream<Path> jars = Files.newDirectoryStream(Path.of("target"), "user-directory-*.jar")) {
            for (Path jar : jars) {
                return jar;
            }
        }
        throw new IllegalStateException("There is no target/user-directory-*.jar; build it with ./mvnw package");
    }

    /** Waits until a query is answered, and says how long that was from the start of the process. */
    Duration awaitFirstAnswer() throws IOException, InterruptedException {
        while (true) {
            try {
                post("{ users(first: 1) { nodes { id } } }", Map.of());
                return Duration.ofNanos(System.nanoTime() - startNanos);
            } catch (ConnectException e) {
                if (!process.isAlive()) {
                    throw new IllegalStateException("The service does not start; see " + log, e);
                }
                Thread.sleep(Duration.ofMillis(5));
            }
        }
    }

    /**
     * @return the whole response
     * @throws IllegalStateException if it has errors
     */
    JsonNode post(String document, Map<String, ?> variables) throws IOException, InterruptedException {
        HttpRequest request = HttpRequest.newBuilder(server.resolve("/graphql"))
                .header("Content-Type", "application/json")
                .header("Authorization", authorization)
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

    /** @return resident memory in bytes, as Linux reports it */
    long residentBytes() throws IOException {
        for (String line : Files.readAllLines(Path.of("/proc", String.valueOf(process.pid()), "status"))) {
            if (line.startsWith("VmRSS:")) {
                return Long.parseLong(line.replaceAll("\\D", "")) * 1024;
            }
        }
        throw new IllegalStateException("The service has ended; see " + log);
    }

    /** Asks the service to end, as {@code SIGTERM} does, and waits until it has. */
    @Override
    public void close() throws InterruptedException {
        process.destroy();
        process.waitFor();
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0)) {
            return socket.getLocalPort();
        }
    }
}
