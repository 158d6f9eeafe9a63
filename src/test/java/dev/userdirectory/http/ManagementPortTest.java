package dev.userdirectory.http;

import static org.assertj.core.api.Assertions.assertThat;

import dev.userdirectory.Client;
import dev.userdirectory.DirectoryTest;
import java.io.IOException;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.test.web.server.LocalManagementPort;
import org.springframework.test.context.TestPropertySource;

/** Health and metrics on a separate port, as in the image. */
@DirectoryTest
@TestPropertySource(
        properties = {
            "management.server.port=0",
            "management.endpoint.health.probes.enabled=true",
            "management.prometheus.metrics.export.enabled=true",
        })
class ManagementPortTest {
    @Autowired
    Client client;

    @LocalManagementPort
    int port;

    @ParameterizedTest
    @ValueSource(strings = {"/actuator/health", "/actuator/health/liveness", "/actuator/health/readiness"})
    void opensHealthProbesToEverybody(String path) {
        HttpResponse<String> response = client.anonymous().send(get(path));

        assertThat(response.statusCode()).isEqualTo(200);
        assertThat(response.body()).contains("UP").doesNotContain("PostgreSQL", "components\":{\"db");
        assertThat(response.headers().firstValue("X-Content-Type-Options")).contains("nosniff");
    }

    @Test
    void requiresScopeForMetrics() {
        assertThat(client.anonymous().send(get("/actuator/prometheus")).statusCode())
                .isEqualTo(401);
        assertThat(client.send(get("/actuator/prometheus")).statusCode()).isEqualTo(403);
        HttpResponse<String> metrics = client.as("actuator").send(get("/actuator/prometheus"));
        assertThat(metrics.statusCode()).isEqualTo(200);
        assertThat(metrics.body()).contains("jvm_memory_used_bytes");
    }

    @ParameterizedTest
    @ValueSource(strings = {"/", "/graphql?query=%7B__typename%7D", "/graphiql", "/schema.graphqls", "/actuator/env"})
    void servesNothingElse(String path) {
        assertThat(client.as("actuator").send(get(path)).statusCode()).isBetween(401, 404);
        assertThat(client.anonymous()
                        .send(HttpRequest.newBuilder(get(path).uri())
                                .POST(BodyPublishers.noBody()) // a body would not be read
                                .build())
                        .statusCode())
                .isBetween(401, 404);
    }

    @ParameterizedTest
    @ValueSource(strings = {"/actuator/health", "/actuator/health/liveness", "/actuator/prometheus"})
    void servesNoActuatorEndpointsOnTheServicePort(String path) {
        HttpRequest request = HttpRequest.newBuilder(client.uri(path)).build();

        assertThat(client.anonymous().send(request).statusCode()).isEqualTo(401);
        assertThat(client.as("actuator").send(request).statusCode()).isIn(403, 404);
        assertThat(client.send(HttpRequest.newBuilder(client.uri("/")).build()).body())
                .contains("href=\"graphiql\"")
                .doesNotContain("actuator");
    }

    /** While as many virtual threads as there are processors compute, no other virtual thread gets a turn. */
    @Test
    void answersProbesWhileRequestsTakeAllProcessors() throws InterruptedException {
        client.anonymous().send(get("/actuator/health/liveness"));
        AtomicBoolean done = new AtomicBoolean();
        Thread[] busy = new Thread[4 * Runtime.getRuntime().availableProcessors()];
        for (int i = 0; i < busy.length; i++) {
            busy[i] = Thread.startVirtualThread(() -> {
                while (!done.get()) {
                    Thread.onSpinWait();
                }
            });
        }
        try {
            HttpResponse<String> response = client.anonymous()
                    .send(HttpRequest.newBuilder(
                                    get("/actuator/health/liveness").uri())
                            .timeout(Duration.ofSeconds(5))
                            .build());
            assertThat(response.statusCode()).isEqualTo(200);
        } finally {
            done.set(true);
            for (Thread thread : busy) {
                thread.join();
            }
        }
    }

    /** The server has eight threads. */
    @Test
    void answersProbesWhileBodiesArriveSlowly() throws IOException {
        List<Socket> slow = new ArrayList<>();
        try {
            for (int i = 0; i < 16; i++) {
                Socket socket = new Socket("localhost", port);
                slow.add(socket);
                String body = i % 2 == 0 ? "Content-Length: 1000\r\n\r\nx" : "Transfer-Encoding: chunked\r\n\r\n1;x";
                String request = "GET /actuator/health/liveness HTTP/1.1\r\nHost: localhost\r\n" + body;
                socket.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
                assertThat(socket.getInputStream().read()).isEqualTo('H');
            }

            HttpResponse<String> response = client.anonymous()
                    .send(HttpRequest.newBuilder(
                                    get("/actuator/health/liveness").uri())
                            .timeout(Duration.ofSeconds(2))
                            .build());
            assertThat(response.statusCode()).isEqualTo(200);
        } finally {
            for (Socket socket : slow) {
                socket.close();
            }
        }
    }

    private HttpRequest get(String path) {
        return HttpRequest.newBuilder(URI.create("http://localhost:" + port + path))
                .build();
    }
}
