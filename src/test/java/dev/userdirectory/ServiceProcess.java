package dev.userdirectory;

import java.io.File;
import java.io.IOException;
import java.net.ConnectException;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * The service in a process of its own, to be killed. It comes back on the same port. It is what the tests are compiled
 * with, or the packaged one that {@code -Ddirectory.test.jar} names.
 */
public final class ServiceProcess implements AutoCloseable {
    private static final HttpClient HTTP = HttpClient.newHttpClient();

    private final List<String> command = new ArrayList<>();
    private final URI uri;
    private final Path log;
    private Process process;

    public ServiceProcess(String name, String jdbcUrl, List<String> jvmOptions) throws IOException {
        try (ServerSocket socket = new ServerSocket(0)) {
            uri = URI.create("http://localhost:" + socket.getLocalPort());
        }
        log = Path.of("target", name + ".log");
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(jvmOptions);
        String jar = System.getProperty("directory.test.jar");
        command.addAll(
                jar != null
                        ? List.of("-jar", jar)
                        : List.of(
                                "-cp",
                                System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")),
                                UserDirectoryApplication.class.getName()));
        command.addAll(List.of(
                "--server.port=" + uri.getPort(),
                "--server.address=localhost",
                "--spring.datasource.url=" + jdbcUrl,
                "--spring.datasource.username=postgres",
                "--spring.datasource.password=postgres",
                // What the tests bring along would have it that there is only one.
                "--spring.security.oauth2.resourceserver.jwt.jws-algorithms=RS256",
                "--spring.security.oauth2.resourceserver.jwt.public-key-location=" + Tokens.publicKey()));
        process = start();
    }

    private Process start() throws IOException {
        return new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.appendTo(new File(log.toString())))
                .start();
    }

    public URI graphQl() {
        return uri.resolve("/graphql");
    }

    public ServiceProcess awaitStart() throws IOException, InterruptedException {
        HttpRequest health =
                HttpRequest.newBuilder(uri.resolve("/actuator/health")).build();
        while (true) {
            try {
                if (HTTP.send(health, BodyHandlers.discarding()).statusCode() == 200) {
                    return this;
                }
            } catch (ConnectException e) {
                if (!process.isAlive()) {
                    throw new IllegalStateException("The service does not start; see " + log, e);
                }
            }
            Thread.sleep(Duration.ofMillis(100));
        }
    }

    public long pid() {
        return process.pid();
    }

    /** {@code kill -9}, and a new start. */
    public void killAndRestart() throws IOException, InterruptedException {
        process.destroyForcibly().waitFor();
        process = start();
        awaitStart();
    }

    @Override
    public void close() throws InterruptedException {
        process.destroyForcibly().waitFor();
    }
}
