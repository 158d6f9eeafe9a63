package dev.userdirectory.contract;

import static org.assertj.core.api.Assertions.assertThat;

import dev.userdirectory.Client;
import dev.userdirectory.Directory;
import dev.userdirectory.DirectoryTest;
import dev.userdirectory.Soak;
import dev.userdirectory.Tokens;
import io.opentelemetry.sdk.testing.exporter.InMemorySpanExporter;
import io.opentelemetry.sdk.trace.SdkTracerProvider;
import io.opentelemetry.sdk.trace.data.SpanData;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.test.context.TestConfiguration;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Import;

/** A trace from a client of a third-party gateway to the statements of this service. */
@Soak("starts a router")
@DirectoryTest
@Import(SupergraphTraceTest.Exporter.class)
@EnabledIf(value = "dev.userdirectory.Npm#canRun", disabledReason = "There is no Node. The log says so.")
class SupergraphTraceTest {
    private static final String TRACE = "0af7651916cd43dd8448eb211c80319c";

    @TestConfiguration(proxyBeanMethods = false)
    static class Exporter {
        @Bean
        InMemorySpanExporter spanExporter() {
            return InMemorySpanExporter.create();
        }
    }

    @Test
    void traceContinuesThroughTheGatewayToTheStatements(
            @Autowired Client client,
            @Autowired Directory directory,
            @Autowired InMemorySpanExporter exporter,
            @Autowired SdkTracerProvider traces)
            throws IOException, InterruptedException {
        NodeSuite.run(
                "trace.js",
                Map.of(
                        "DIRECTORY_URL", client.uri("/graphql").toString(),
                        "TOKEN", Tokens.withScopes("users:read users:write"),
                        "TRACEPARENT", "00-" + TRACE + "-b7ad6b7169203331-01",
                        "USER", directory.createUser()));
        traces.forceFlush().join(5, TimeUnit.SECONDS);

        List<String> names = exporter.getFinishedSpanItems().stream()
                .filter(span -> span.getTraceId().equals(TRACE))
                .map(SpanData::getName)
                .toList();
        assertThat(names)
                .contains("http post /graphql", "load User", "load User.groups", "sql select")
                .anyMatch(name -> name.startsWith("query"));
    }
}
