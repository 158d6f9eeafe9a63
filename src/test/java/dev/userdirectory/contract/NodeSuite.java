package dev.userdirectory.contract;

import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.WRITE;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Runs what is in {@code src/test/node}. Where there is no Node it says so, and fails if one is required. */
final class NodeSuite {
    static final Path FOLDER = Path.of("src", "test", "node");

    private static final Logger log = LoggerFactory.getLogger(NodeSuite.class);
    private static final int OLDEST = 20;
    private static final Pattern COUNTS = Pattern.compile("# tests (\\d+).*# pass (\\d+)", Pattern.DOTALL);

    private NodeSuite() {}

    static boolean canRun() throws InterruptedException {
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

    /** One JVM at a time: the tests run in several. */
    private static void install() throws IOException, InterruptedException {
        Path lock = FOLDER.resolve("package-lock.json");
        Path installed = FOLDER.resolve(Path.of("node_modules", ".package-lock.json"));
        try (FileChannel channel = FileChannel.open(Path.of("target", "npm.lock"), CREATE, WRITE);
                FileLock held = channel.lock()) {
            if (!Files.exists(installed)
                    || Files.getLastModifiedTime(installed).compareTo(Files.getLastModifiedTime(lock)) < 0) {
                run(Map.of(), npm(), "ci", "--include=dev", "--loglevel=error");
            }
        }
    }

    /** Passes if every test of the file does, and there is one. */
    static void run(String file, Map<String, String> environment) throws IOException, InterruptedException {
        install();
        String output = run(environment, "node", "--test", "--test-reporter=tap", "--test-timeout=180000", file);
        Matcher counts = COUNTS.matcher(output);
        assertThat(counts.find()).as(output).isTrue();
        log.info("{}: {} of {} passed", file, counts.group(2), counts.group(1));
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
