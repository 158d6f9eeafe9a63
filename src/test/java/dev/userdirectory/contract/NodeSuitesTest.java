package dev.userdirectory.contract;

import static org.assertj.core.api.Assertions.assertThat;

import dev.userdirectory.Client;
import dev.userdirectory.Directory;
import dev.userdirectory.DirectoryTest;
import dev.userdirectory.Tokens;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.beans.factory.annotation.Autowired;
import tools.jackson.databind.json.JsonMapper;

/**
 * Suites and clients that others have written, in {@code src/test/node}, over the running service. Skipped where there
 * is no Node, unless {@code -Ddirectory.test.node=required}.
 */
@DirectoryTest
@EnabledIf(value = "hasNode", disabledReason = "There is no Node. The log says so.")
class NodeSuitesTest {
    private static final Logger log = LoggerFactory.getLogger(NodeSuitesTest.class);
    private static final Path FOLDER = Path.of("src", "test", "node");
    private static final int OLDEST = 20;
    private static final Pattern COUNTS =
            Pattern.compile("# tests (\\d+).*# pass (\\d+).*# skipped (\\d+)", Pattern.DOTALL);

    @Autowired
    Client client;

    @Autowired
    Directory directory;

    static boolean hasNode() throws InterruptedException {
        String wanted = "Node " + OLDEST + " or newer, with npm, for the suites in " + FOLDER;
        try {
            String version = run(Map.of(), "node", "--version").strip();
            run(Map.of(), npm(), "--version");
            if (Integer.parseInt(version.substring(1, version.indexOf('.'))) >= OLDEST) {
                return true;
            }
            wanted += "; this is " + version;
        } catch (UncheckedIOException e) {
            wanted += "; there is none on the PATH";
        }
        if ("required".equals(System.getProperty("directory.test.node"))) {
            throw new IllegalStateException("It takes " + wanted);
        }
        log.warn("Not tested, for want of {}", wanted);
        return false;
    }

    @BeforeAll
    static void install() throws IOException, InterruptedException {
        Path lock = FOLDER.resolve("package-lock.json");
        Path installed = FOLDER.resolve(Path.of("node_modules", ".package-lock.json"));
        if (!Files.exists(installed)
                || Files.getLastModifiedTime(installed).compareTo(Files.getLastModifiedTime(lock)) < 0) {
            run(Map.of(), npm(), "ci", "--loglevel=error");
        }
    }

    static List<String> suites() throws IOException {
        try (Stream<Path> files = Files.list(FOLDER)) {
            return files.map(file -> file.getFileName().toString())
                    .filter(name -> name.endsWith(".test.js"))
                    .sorted()
                    .toList();
        }
    }

    @ParameterizedTest
    @MethodSource("suites")
    void passesInFull(String suite) throws InterruptedException {
        String users = directory.createUsers(2).stream()
                .map(directory::user)
                .map(user -> JsonMapper.shared()
                        .createObjectNode()
                        .put("id", user.get("id").asString())
                        .put("name", user.get("name").asString())
                        .put("email", user.get("email").asString())
                        .toString())
                .toList()
                .toString();

        String output = run(
                Map.of(
                        "DIRECTORY_URL", client.uri("/graphql").toString(),
                        "TOKEN", Tokens.withScopes("users:read users:write"),
                        "TOKEN_THAT_WRITES", Tokens.withScopes("users:write"),
                        "USERS", users),
                "node",
                "--test",
                "--test-reporter=tap",
                "--test-timeout=60000",
                suite);

        Matcher counts = COUNTS.matcher(output);
        assertThat(counts.find()).as(output).isTrue();
        log.info("{}: {} of {} passed", suite, counts.group(2), counts.group(1));
        assertThat(counts.group(2)).as(output).isEqualTo(counts.group(1)).isNotEqualTo("0");
    }

    private static String npm() {
        return System.getProperty("os.name").startsWith("Windows") ? "npm.cmd" : "npm";
    }

    /** What the command says; where it fails, that is the message. */
    private static String run(Map<String, String> environment, String... command) throws InterruptedException {
        try {
            ProcessBuilder builder =
                    new ProcessBuilder(command).directory(FOLDER.toFile()).redirectErrorStream(true);
            builder.environment().putAll(environment);
            Process process = builder.start();
            String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            if (process.waitFor() != 0) {
                throw new AssertionError(String.join(" ", command) + " failed:\n" + output);
            }
            return output;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
