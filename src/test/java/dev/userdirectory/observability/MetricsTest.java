package dev.userdirectory.observability;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.userdirectory.Client;
import dev.userdirectory.Directory;
import dev.userdirectory.DirectoryTest;
import dev.userdirectory.Waiting;
import java.io.IOException;
import java.net.http.HttpRequest;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.health.actuate.endpoint.HealthEndpointGroups;
import org.springframework.test.context.TestPropertySource;
import org.yaml.snakeyaml.Yaml;
import tools.jackson.databind.json.JsonMapper;

/** The contents of a scrape, and whether the dashboard and the alerts use metrics that exist in it. */
@DirectoryTest
@TestPropertySource(
        properties = {
            "directory.observability.operation-names=3",
            // Metrics of Redis, the replica and webhooks exist even if none of these can be reached.
            "spring.data.redis.url=redis://localhost:1",
            "directory.replica.url=jdbc:postgresql://localhost:1/directory",
            "directory.webhooks[0].name=measured",
            "directory.webhooks[0].url=http://localhost:1",
            "directory.webhooks[0].secret=whsec_c2VjcmV0IG9mIGF0IGxlYXN0IDI0IGJ5dGVz"
        })
class MetricsTest {
    private static final Path FILES = Path.of("deploy", "observe");
    /** A metric with its label matchers, but not a function. */
    private static final Pattern METRIC = Pattern.compile("\\b([a-z][a-z0-9_]*)\\b(?!\\s*\\()(?:\\{([^}]*)})?");

    private static final Set<String> NOT_OURS = Set.of("or", "and", "unless", "up");
    /** The labels that Prometheus adds. */
    private static final List<String> BY_PROMETHEUS = List.of("job", "instance");

    @Autowired
    private Client client;

    @Autowired
    private Directory directory;

    @Test
    void includesEveryMetricOfDashboardAndAlerts() throws IOException {
        directory.createGroup("Measured", List.of(directory.createUser()));
        client.data("{ users(first: 1) { nodes { groups(first: 1) { nodes { name } } } } }");
        client.data("{ users(first: 1) { nodes { groups(first: 1) { nodes { name } } } } }");
        // Pauses are measured from the first one on.
        System.gc();
        Waiting.until(() -> has(scrape(), "jvm_gc_pause_seconds_sum"));

        String scrape = scrape();

        List<String> expressions =
                Stream.concat(dashboard().stream(), alerts().stream()).toList();
        assertThat(expressions).hasSizeGreaterThan(15);
        expressions.forEach(expression -> assertHas(scrape, expression));
    }

    /** Prometheus can add only series with the same labels. */
    @Test
    void queueAndPoolHaveTheSameLabels() {
        // A pool has metrics once it has been used.
        client.data("{ users(first: 2) { nodes { id } } }");
        String scrape = scrape();

        assertThat(labels(scrape, "directory_connections_waiting"))
                .isNotEmpty()
                .isEqualTo(labels(scrape, "hikaricp_connections_pending"));
    }

    private static List<String> labels(String scrape, String name) {
        return Pattern.compile("(?m)^" + name + "(\\{[^}]*})")
                .matcher(scrape)
                .results()
                .map(found -> found.group(1))
                .sorted()
                .toList();
    }

    private static void assertHas(String scrape, String expression) {
        List<String> grouping = words("by \\(([^)]*)\\)", expression);
        grouping.removeAll(BY_PROMETHEUS);
        String metrics = expression.replaceAll("\\[[^]]*]|by \\([^)]*\\)", "");
        METRIC.matcher(metrics).results().forEach(metric -> {
            String name = metric.group(1);
            if (!NOT_OURS.contains(name)) {
                assertThat(has(scrape, name + "[{ ]")).as(name).isTrue();
                List<String> labels = new ArrayList<>(grouping);
                labels.addAll(words("(\\w+)\\s*[=!]", String.valueOf(metric.group(2))));
                labels.removeAll(BY_PROMETHEUS);
                assertThat(labels)
                        .allSatisfy(label -> assertThat(has(scrape, name + "\\{[^}]*\\b" + label + "="))
                                .as(name + " by " + label)
                                .isTrue());
            }
        });
    }

    private static boolean has(String scrape, String line) {
        return Pattern.compile("(?m)^" + line).matcher(scrape).find();
    }

    private static List<String> words(String pattern, String text) {
        return Pattern.compile(pattern)
                .matcher(text)
                .results()
                .flatMap(
                        found -> Pattern.compile("\\w+").matcher(found.group(1)).results())
                .map(MatchResult::group)
                .collect(Collectors.toCollection(ArrayList::new));
    }

    @Test
    void limitsTheNumberOfOperationNames() {
        IntStream.range(0, 5).forEach(i -> client.data("query Bounded" + i + " { users(first: 1) { totalCount } }"));

        List<String> names = Pattern.compile("graphql_request_seconds_count\\{.*graphql_operation_name=\"(\\w+)\"")
                .matcher(scrape())
                .results()
                .map(result -> result.group(1))
                .distinct()
                .toList();

        assertThat(names)
                .contains("other")
                .filteredOn(name -> name.startsWith("Bounded"))
                .hasSizeLessThanOrEqualTo(3);
    }

    /** Spans are recorded only for some operations, but metrics do not distinguish them. */
    @Test
    void countsTracedAndUntracedOperationsAlike() {
        String series = Pattern.quote("graphql_request_seconds_count{code=\"OK\",error=\"none\","
                + "graphql_operation_name=\"anonymous\",graphql_operation_type=\"query\",graphql_outcome=\"SUCCESS\"}");
        double before = sum(series);
        for (String flags : List.of("00", "01")) {
            client.send(HttpRequest.newBuilder(client.uri("/graphql"))
                    .header("Content-Type", "application/json")
                    .header("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-" + flags)
                    .POST(HttpRequest.BodyPublishers.ofString("{\"query\": \"{ __typename }\"}"))
                    .build());
        }

        assertThat(sum(series)).isEqualTo(before + 2);
    }

    /** Spring for GraphQL makes the same distinction. */
    @Test
    void distinguishesErrorsOfTheRequestFromThoseOfTheService() {
        client.execute("{ nothing }", Map.of());

        assertThat(has(
                        scrape(),
                        "graphql_request_seconds_count\\{code=\"GRAPHQL_VALIDATION_FAILED\",.*"
                                + "graphql_operation_type=\"operation\",graphql_outcome=\"REQUEST_ERROR\""))
                .isTrue();
    }

    @Test
    void omitsOperationNamesOfCallersWithoutToken() {
        IntStream.range(0, 5).forEach(i -> client.anonymous().post("query Nobody" + i + " { __typename }"));

        assertThat(scrape()).doesNotContain("Nobody");
        assertThat(has(scrape(), "graphql_request_seconds_count\\{.*graphql_operation_name=\"other\""))
                .isTrue();
    }

    @Test
    void countsRejectedAndCachedOperations() {
        client.execute("{ nothing }", Map.of());
        client.execute("{" + " a: __typename".repeat(200) + " }", Map.of());
        assertThat(has(scrape(), "graphql_request_seconds_count\\{.*code=\"GRAPHQL_VALIDATION_FAILED\""))
                .isTrue();
        assertThat(has(scrape(), "graphql_request_seconds_count\\{.*code=\"MAX_\\w+_LIMIT\""))
                .isTrue();

        double hits = sum("directory_cache_requests_total\\{result=\"hit\"}");
        double good = sum("graphql_request_seconds_count\\{.*code=\"OK\".*}");
        IntStream.range(0, 3).forEach(i -> client.data("{ users(first: 3) { nodes { id } } }"));
        assertThat(sum("directory_cache_requests_total\\{result=\"hit\"}")).isBetween(hits + 1, hits + 2);
        assertThat(sum("graphql_request_seconds_count\\{.*code=\"OK\".*}")).isEqualTo(good + 3);
    }

    /** A client may receive its response before the request is counted. */
    @Test
    void countsEachRequestOnce() {
        String requests = "http_server_requests_seconds_count\\{.*method=\"POST\".*uri=\"/graphql\".*}";
        double before = sum(requests);
        IntStream.range(0, 3).forEach(i -> client.data("{ __typename }"));

        await().during(Duration.ofMillis(300)).until(() -> sum(requests) == before + 3);
    }

    @Test
    void livenessIncludesTheBackgroundThreads(@Autowired HealthEndpointGroups probes) {
        assertThat(probes.get("liveness")).isNotNull().matches(group -> group.isMember("backgroundThreads"));
        assertThat(client.send(HttpRequest.newBuilder(client.uri("/actuator/health/liveness"))
                                .build())
                        .statusCode())
                .isEqualTo(200);
    }

    /** FrozenDatabaseTest shows that probes do not depend on the database. */
    @Test
    void healthIncludesTheDatabaseButProbesDoNot(@Autowired HealthEndpointGroups probes) {
        assertThat(probes.getPrimary().isMember("db")).isTrue();
        assertThat(probes.get("readiness")).isNotNull().matches(group -> !group.isMember("db"));
        assertThat(probes.get("liveness")).isNotNull().matches(group -> !group.isMember("db"));
    }

    private double sum(String series) {
        return Pattern.compile("(?m)^" + series + " (.*)$")
                .matcher(scrape())
                .results()
                .mapToDouble(found -> Double.parseDouble(found.group(1)))
                .sum();
    }

    private String scrape() {
        return client.as("actuator")
                .send(HttpRequest.newBuilder(client.uri("/actuator/prometheus")).build())
                .body();
    }

    private static List<String> dashboard() throws IOException {
        return JsonMapper.shared()
                .readTree(Files.readString(FILES.resolve("dashboard.json")))
                .findValuesAsString("expr");
    }

    private static List<String> alerts() throws IOException {
        Map<String, List<Map<String, List<Map<String, String>>>>> file =
                new Yaml().load(Files.readString(FILES.resolve("alerts.yaml")));
        return file.getOrDefault("groups", List.of()).stream()
                .flatMap(group -> group.getOrDefault("rules", List.of()).stream())
                .map(rule -> rule.getOrDefault("expr", ""))
                .toList();
    }
}
