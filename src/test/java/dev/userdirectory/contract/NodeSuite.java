package dev.userdirectory.contract;

import static org.assertj.core.api.Assertions.assertThat;

import dev.userdirectory.Npm;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Runs the suites in {@code src/test/node}, which also use examples. */
final class NodeSuite {
    static final Path FOLDER = Path.of("src", "test", "node");

    private static final List<Path> EXAMPLES =
            List.of(Path.of("examples", "supergraph"), Path.of("examples", "webhooks"));
    private static final Logger log = LoggerFactory.getLogger(NodeSuite.class);
    private static final Pattern COUNTS = Pattern.compile("# tests (\\d+).*# pass (\\d+)", Pattern.DOTALL);

    private NodeSuite() {}

    /** Passes if the file has at least one test and every test passes. */
    static void run(String file, Map<String, String> environment) throws IOException, InterruptedException {
        Npm.install(FOLDER);
        for (Path example : EXAMPLES) {
            Npm.install(example);
        }
        String output =
                Npm.run(FOLDER, environment, "node", "--test", "--test-reporter=tap", "--test-timeout=180000", file);
        Matcher counts = COUNTS.matcher(output);
        assertThat(counts.find()).as(output).isTrue();
        log.info("{}: {} of {} passed", file, counts.group(2), counts.group(1));
        assertThat(counts.group(2)).as(output).isEqualTo(counts.group(1)).isNotEqualTo("0");
    }
}
