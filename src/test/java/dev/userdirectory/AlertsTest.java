package dev.userdirectory;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.yaml.snakeyaml.Yaml;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The properties of alerts and dashboard on which operators rely. MetricsTest checks that their metrics exist. */
class AlertsTest {
    private static final Path FILES = Path.of("deploy", "observe");
    /** A metric with its selector, but not a function. */
    private static final Pattern METRIC = Pattern.compile("\\b([a-z]\\w*)\\b(?!\\s*\\()(?:\\{([^}]*)})?");

    record Alert(String name, String expression, Map<String, String> labels, Map<String, String> annotations) {
        @Override
        public String toString() {
            return name;
        }
    }

    record Panel(String title, JsonNode json) {
        @Override
        public String toString() {
            return title;
        }
    }

    @ParameterizedTest
    @MethodSource("alerts")
    void alertSaysWhatToDo(Alert alert) throws IOException {
        assertThat(alert.name).startsWith("UserDirectory");
        assertThat(alert.labels.get("severity")).isIn("critical", "warning");
        assertThat(alert.annotations).containsKey("summary");
        URI runbook = URI.create(Objects.requireNonNull(alert.annotations.get("runbook_url")));
        Path page = Path.of("docs", "operations.md");
        assertThat(runbook.getPath()).endsWith("/" + page);
        assertThat(LinksTest.anchors(page)).contains(runbook.getFragment());
        assertThat(Files.readString(page)).contains("### " + alert.name + "\n");
    }

    @ParameterizedTest
    @MethodSource("alerts")
    void alertIsAboutThisService(Alert alert) {
        assertThat(selectors(alert.expression))
                .isNotEmpty()
                .allSatisfy(selector -> assertThat(selector).startsWith("job=\"user-directory\""));
    }

    @ParameterizedTest
    @MethodSource("panels")
    void panelExplainsItselfAndFollowsTheVariables(Panel panel) {
        assertThat(panel.json.path("description").asString("")).isNotBlank();
        assertThat(panel.json.at("/datasource/uid").asString()).isEqualTo("${datasource}");
        assertThat(panel.json.findValuesAsString("expr"))
                .isNotEmpty()
                .flatMap(AlertsTest::selectors)
                .allSatisfy(selector -> assertThat(selector).startsWith("job=\"$job\", instance=~\"$instance\""));
    }

    /** The selectors of all metrics, empty where there is none. */
    private static List<String> selectors(String expression) {
        return METRIC.matcher(expression.replaceAll("by \\([^)]*\\)|\\[[^]]*]|\\b(or|unless)\\b", ""))
                .results()
                .map(metric -> Objects.requireNonNullElse(metric.group(2), ""))
                .toList();
    }

    static Stream<Alert> alerts() throws IOException {
        Map<String, List<Map<String, List<Map<String, Object>>>>> file =
                new Yaml().load(Files.readString(FILES.resolve("alerts.yaml")));
        return file.getOrDefault("groups", List.of()).stream()
                .flatMap(group -> group.getOrDefault("rules", List.of()).stream())
                .map(rule -> new Alert(
                        String.valueOf(rule.get("alert")),
                        String.valueOf(rule.get("expr")),
                        texts(rule.get("labels")),
                        texts(rule.get("annotations"))));
    }

    @SuppressWarnings("unchecked")
    private static Map<String, String> texts(Object map) {
        return map == null ? Map.of() : (Map<String, String>) map;
    }

    static Stream<Panel> panels() throws IOException {
        return JsonMapper.shared()
                .readTree(Files.readString(FILES.resolve("dashboard.json")))
                .get("panels")
                .values()
                .stream()
                .map(panel -> new Panel(panel.get("title").asString(), panel));
    }
}
