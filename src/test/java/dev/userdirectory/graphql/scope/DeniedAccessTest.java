package dev.userdirectory.graphql.scope;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.userdirectory.Client;
import dev.userdirectory.DirectoryTest;
import dev.userdirectory.subscription.SocketClient;
import io.micrometer.core.instrument.MeterRegistry;
import java.net.http.HttpRequest;
import java.util.Map;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;
import org.springframework.test.context.TestPropertySource;

@DirectoryTest
// A separate application context has a separate log.
@TestPropertySource(properties = "directory.limits.body=10KB")
@ExtendWith(OutputCaptureExtension.class)
class DeniedAccessTest {
    private static final String READ = "{ users(first: 1) { nodes { id } } }";

    @Autowired
    Client client;

    @Autowired
    MeterRegistry meters;

    @Test
    void countsDenialsByReason() {
        counts("no_token", () -> client.anonymous().post(READ));
        counts("no_token", () -> client.anonymous().post("{ a: users { totalCount } b: users { totalCount } }"));
        counts("no_token", () -> get(client.anonymous(), "/actuator/prometheus"));
        counts("bad_token", () -> client.withToken("e30.e30.AAAA").post(READ));
        counts("bad_token", () -> client.withToken("not a token").post(READ));
        counts("scope", () -> client.as("users:write").post(READ));
        counts("scope", () -> get(client, "/actuator/prometheus"));
        counts("limit", () -> client.post("{" + " a: __typename".repeat(200) + " }"));
        counts("limit", () -> client.post(READ, Map.of("x", "x".repeat(20_000))));
        counts("limit", () -> client.post(READ, Map.of("x".repeat(300), 1)));
        counts("limit", () -> message("x".repeat(9_000)));
        counts("no_token", () -> message("{\"type\":\"connection_init\"}"));
        counts("none", () -> client.data(READ));
    }

    private static void get(Client client, String path) {
        client.send(HttpRequest.newBuilder(client.uri(path)).build());
    }

    /** Sends a message on a new socket, which is closed for it. */
    private void message(String text) {
        try (SocketClient socket = SocketClient.open(client.uri("/graphql"), Map.of())) {
            socket.sendText(text);
            socket.closed();
        }
    }

    /** A client may receive its response before the request is counted. */
    private void counts(String reason, Runnable request) {
        double before = count(reason);
        double all = meters.get("directory.denied").counters().stream()
                .mapToDouble(counter -> counter.count())
                .sum();
        request.run();
        double expected = reason.equals("none") ? 0 : 1;
        await().untilAsserted(() -> {
            assertThat(count(reason)).as(reason).isEqualTo(before + expected);
            assertThat(meters.get("directory.denied").counters().stream()
                            .mapToDouble(counter -> counter.count())
                            .sum())
                    .isEqualTo(all + expected);
        });
    }

    private double count(String reason) {
        return meters.find("directory.denied").tag("reason", reason).counters().stream()
                .mapToDouble(counter -> counter.count())
                .sum();
    }

    @Test
    void logsDenialsRarelyAndWithoutTheSubject(CapturedOutput output) {
        double before = count("scope");
        Client denied = client.withToken(dev.userdirectory.Tokens.of("a-name-to-keep-secret", "other"));
        for (int i = 0; i < 100; i++) {
            denied.post(READ);
        }
        await().until(() -> count("scope") >= before + 100);
        assertThat(Pattern.compile("Access denied: scope, \\d+ since the last such line")
                        .matcher(output.getOut())
                        .results()
                        .count())
                .isLessThanOrEqualTo(2);
        assertThat(output.getOut()).doesNotContain("a-name-to-keep-secret");
    }
}
