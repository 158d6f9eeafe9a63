package dev.userdirectory;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;
import org.springframework.context.ConfigurableApplicationContext;
import tools.jackson.databind.json.JsonMapper;

/** Runs commands in the READMEs of {@code examples}, which also show the output. */
@Soak("builds and starts the examples")
@EnabledIf(value = "dev.userdirectory.DocumentationTest#hasShell", disabledReason = "There is no bash, or no curl.")
class ExampleCommandsTest {
    private static final Path JAVA_CLIENT = Path.of("examples", "java-client");
    private static final Path SUPERGRAPH = Path.of("examples", "supergraph");
    private static final JsonMapper JSON = JsonMapper.shared();
    private static final int ISSUER_PORT = Ports.freePort();

    @SuppressWarnings("NullAway.Init") // set before any test
    private static ConfigurableApplicationContext service;

    @BeforeAll
    static void start() throws SQLException {
        service = LocalService.start("examples", ISSUER_PORT);
    }

    @AfterAll
    static void stop() {
        service.close();
    }

    @Test
    void javaClientPrintsTheOutputInItsReadme() throws Exception {
        String output = run(
                blocks(JAVA_CLIENT, "sh").getFirst(),
                Map.of(
                        "DIRECTORY_URL",
                        directoryUrl(),
                        "TOKEN_URL",
                        "http://localhost:" + ISSUER_PORT + "/default/token"));

        assertThat(output).isEqualTo(blocks(JAVA_CLIENT, "text").getFirst());
    }

    /** All other features of the supergraph are tested by {@code supergraph.test.js}. */
    @Test
    @EnabledIf(value = "dev.userdirectory.Npm#canRun", disabledReason = "There is no Node. The log says so.")
    void supergraphRespondsAsItsReadmeShows() throws Exception {
        List<String> requests = blocks(SUPERGRAPH, "sh").stream()
                .filter(command -> command.startsWith("curl"))
                .toList();
        List<String> responses = blocks(SUPERGRAPH, "json");
        assertThat(requests).hasSameSizeAs(responses).isNotEmpty();
        Npm.install(SUPERGRAPH);
        int port = Ports.freePort();
        Process gateway = Npm.start(
                SUPERGRAPH,
                Map.of("DIRECTORY_URL", directoryUrl(), "PORT", String.valueOf(port)),
                "node",
                "supergraph.js");
        try {
            Npm.await(gateway, port);
            for (int i = 0; i < requests.size(); i++) {
                String response = run(
                        requests.get(i).replace("localhost:4000", "localhost:" + port),
                        Map.of("TOKEN", LocalService.token(service, "alice")));
                assertThat(JSON.readTree(response)).isEqualTo(JSON.readTree(responses.get(i)));
            }
        } finally {
            gateway.destroy();
        }
    }

    private static String directoryUrl() {
        return "http://localhost:" + service.getEnvironment().getRequiredProperty("local.server.port") + "/graphql";
    }

    private static List<String> blocks(Path example, String language) throws IOException {
        return Pattern.compile("^```" + language + "\n(.*?)^```$", Pattern.DOTALL | Pattern.MULTILINE)
                .matcher(Files.readString(example.resolve("README.md")))
                .results()
                .map(block -> block.group(1))
                .toList();
    }

    private static String run(String command, Map<String, String> environment) throws Exception {
        ProcessBuilder builder = new ProcessBuilder("bash", "-euo", "pipefail", "-c", command)
                .redirectError(ProcessBuilder.Redirect.INHERIT);
        builder.environment().putAll(environment);
        Process process = builder.start();
        String output = new String(process.getInputStream().readAllBytes(), UTF_8);
        assertThat(process.waitFor()).as(command + output).isZero();
        return output;
    }
}
