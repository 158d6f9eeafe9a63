package dev.userdirectory.observability;

import static org.assertj.core.api.Assertions.assertThat;

import dev.userdirectory.Client;
import dev.userdirectory.Directory;
import dev.userdirectory.DirectoryTest;
import dev.userdirectory.Waiting;
import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.sdk.testing.exporter.InMemorySpanExporter;
import io.opentelemetry.sdk.trace.SdkTracerProvider;
import io.opentelemetry.sdk.trace.data.SpanData;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.test.context.TestConfiguration;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Import;
import tools.jackson.databind.json.JsonMapper;

/** The spans of a trace, from the gateway's to those of the statements. */
@DirectoryTest
@Timeout(60)
@Import(TracesTest.Exporter.class)
class TracesTest {
    private static final String TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
    private static final String GATEWAY_SPAN = "00f067aa0ba902b7";
    private static final JsonMapper JSON = JsonMapper.shared();

    @Autowired
    private Client client;

    @Autowired
    private Directory directory;

    @Autowired
    private InMemorySpanExporter exporter;

    @Autowired
    private SdkTracerProvider traces;

    private Instant asked = Instant.EPOCH;

    @TestConfiguration(proxyBeanMethods = false)
    static class Exporter {
        @Bean
        InMemorySpanExporter spanExporter() {
            return InMemorySpanExporter.create();
        }
    }

    @Test
    void oneTraceSpansGatewayToStatements() {
        // More users than the page has, so that one statement finds them.
        List<String> users = Stream.generate(directory::createUser).limit(6).toList();
        directory.createGroup("Traced", users);

        trace("01", """
                query Traced { users(first: 5, filter: {search: "User 0"}) { nodes { name groups(first: 1) { nodes { name } } } } }
                """);
        // The client may receive its response before the span of the request ends.
        Waiting.until(() ->
                finished().stream().anyMatch(span -> span.getParentSpanId().equals(GATEWAY_SPAN)));
        List<SpanData> spans = finished();

        assertThat(spans).allSatisfy(span -> assertThat(span.getTraceId()).isEqualTo(TRACE));
        assertThat(spans.stream().filter(TracesTest::isStatement).map(span -> path(span, spans)))
                .containsExactlyInAnyOrder(
                        // Reads the state of the database, under which the response is cached.
                        "gateway > http post /graphql > query Traced > sql",
                        "gateway > http post /graphql > query Traced > Query.users > sql",
                        "gateway > http post /graphql > query Traced > load User.groups > sql");
        assertThat(spans).extracting(SpanData::getName).contains("User.groups").doesNotContain("User.name");
        assertThat(spans)
                .filteredOn(TracesTest::isStatement)
                .allSatisfy(span -> assertThat(span.getAttributes().get(AttributeKey.stringKey("db.query.text")))
                        .contains("select")
                        .doesNotContain("User 0"));
        assertThat(spans)
                .filteredOn(span -> span.getName().equals("query Traced"))
                .singleElement()
                .satisfies(span -> assertThat(span.getAttributes().asMap().toString())
                        .contains(
                                "graphql.operation.name=Traced",
                                "graphql.operation.type=query",
                                "graphql.outcome=SUCCESS",
                                "code=OK"));
    }

    @Test
    void namesSpansOfUnnamedOperationsByTheirType() {
        trace("01", "{ __typename }");
        Waiting.until(() -> finished().stream().anyMatch(span -> span.getName().equals("query")));
    }

    @Test
    void recordsNothingOfUnsampledTrace() {
        assertThat(trace("00", "{ users(first: 1) { nodes { name } } }")).isEmpty();
    }

    /** A tenth by default: neither all requests nor, sampled twice, a tenth of a tenth. */
    @Test
    void samplesTracesThatBeginInTheService() {
        int requests = 400;
        asked = Instant.now();
        for (int i = 0; i < requests; i++) {
            client.data("{ __typename }");
        }

        assertThat(finished().stream()
                        .filter(span -> span.getName().equals("http post /graphql"))
                        .filter(span -> !span.getParentSpanContext().isValid()))
                .hasSizeBetween(requests / 25, requests / 5);
    }

    private List<SpanData> trace(String flags, String document) {
        asked = Instant.now();
        HttpResponse<String> response = client.send(HttpRequest.newBuilder(client.uri("/graphql"))
                .header("Content-Type", "application/json")
                .header("traceparent", "00-" + TRACE + "-" + GATEWAY_SPAN + "-" + flags)
                .POST(HttpRequest.BodyPublishers.ofString(JSON.writeValueAsString(Map.of("query", document))))
                .build());
        assertThat(response.body()).doesNotContain("errors");
        return finished();
    }

    /** Leaves out spans that began earlier, since a request's span may end after its client has the response. */
    private List<SpanData> finished() {
        traces.forceFlush().join(5, TimeUnit.SECONDS);
        long since = TimeUnit.SECONDS.toNanos(asked.getEpochSecond()) + asked.getNano();
        return exporter.getFinishedSpanItems().stream()
                .filter(span -> span.getStartEpochNanos() >= since)
                .toList();
    }

    private static boolean isStatement(SpanData span) {
        return span.getName().startsWith("sql");
    }

    private static String path(SpanData span, List<SpanData> spans) {
        Map<String, SpanData> byId = spans.stream().collect(Collectors.toMap(SpanData::getSpanId, Function.identity()));
        List<String> path = new ArrayList<>();
        SpanData current = span;
        while (current != null) {
            path.addFirst(isStatement(current) ? "sql" : current.getName());
            if (current.getParentSpanId().equals(GATEWAY_SPAN)) {
                path.addFirst("gateway");
            }
            current = byId.get(current.getParentSpanId());
        }
        return String.join(" > ", path);
    }
}
