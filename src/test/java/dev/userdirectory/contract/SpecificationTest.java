package dev.userdirectory.contract;

import static org.assertj.core.api.Assertions.assertThat;

import dev.userdirectory.Client;
import dev.userdirectory.DirectoryTest;
import dev.userdirectory.subscription.SocketClient;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.springframework.beans.factory.annotation.Autowired;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Each {@link SpecificationCase} over each transport of a server; AWS Lambda has a test of its own. */
@DirectoryTest
@TestInstance(Lifecycle.PER_CLASS)
class SpecificationTest {
    private static final JsonMapper JSON = JsonMapper.shared();

    @Autowired
    Client client;

    private @Nullable SocketClient socket;
    private int operations;

    static Stream<SpecificationCase> cases() {
        return SpecificationCase.all();
    }

    static Stream<SpecificationCase> casesForGet() {
        return SpecificationCase.all().filter(each -> !each.isMutation());
    }

    @ParameterizedTest
    @MethodSource("cases")
    void answersPost(SpecificationCase each) {
        assertThat(each.differences(post(each, "application/json", "application/json")))
                .isEmpty();
        assertThat(each.differences(post(each, "application/json", "application/graphql-response+json")))
                .isEmpty();
    }

    /** The fast path does not handle these headers, so Spring's handler serves the requests. */
    @ParameterizedTest
    @MethodSource("cases")
    void answersPostThroughSpring(SpecificationCase each) {
        assertThat(each.differences(post(each, "application/json;a=b", "application/json")))
                .isEmpty();
        assertThat(each.differences(post(each, "application/json", "text/event-stream, application/json")))
                .isEmpty();
    }

    @ParameterizedTest
    @MethodSource("casesForGet")
    void answersGet(SpecificationCase each) {
        assertThat(each.differences(JSON.readTree(get(each, "application/json").body())))
                .isEmpty();
    }

    @ParameterizedTest
    @MethodSource("cases")
    void answersEventStream(SpecificationCase each) {
        HttpResponse<String> response = send(each, "application/json", "text/event-stream");
        assertThat(each.differences(firstResult(response))).isEmpty();
    }

    @ParameterizedTest
    @MethodSource("casesForGet")
    void answersEventStreamByGet(SpecificationCase each) {
        assertThat(each.differences(firstResult(get(each, "text/event-stream"))))
                .isEmpty();
    }

    /** All cases share one socket, which no case closes. */
    @ParameterizedTest
    @MethodSource("cases")
    void answersSocket(SpecificationCase each) {
        if (socket == null) {
            socket = SocketClient.connect(client.uri("/graphql"), SpecificationCase.token());
        }
        String id = String.valueOf(operations++);
        socket.send(Map.of("type", "subscribe", "id", id, "payload", each.request()));
        JsonNode message = Objects.requireNonNull(socket.poll(Duration.ofSeconds(20)), () -> "closed by " + each);
        assertThat(message.get("id").asString()).isEqualTo(id);
        JsonNode response = message.get("payload");
        if (message.get("type").asString().equals("error")) {
            // A message of type error carries no data, so it stands for null as well as absent data.
            Map<String, Object> errors = new HashMap<>(Map.of("errors", response));
            if (each.data().equals("null")) {
                errors.put("data", null);
            }
            response = JSON.valueToTree(errors);
        } else {
            socket.expect("complete");
        }
        assertThat(each.differences(response)).isEmpty();
    }

    @AfterAll
    void closeSocket() {
        if (socket != null) {
            socket.close();
        }
    }

    private JsonNode post(SpecificationCase each, String contentType, String accept) {
        return JSON.readTree(send(each, contentType, accept).body());
    }

    private HttpResponse<String> send(SpecificationCase each, String contentType, String accept) {
        return client.send(HttpRequest.newBuilder(client.uri("/graphql"))
                .header("Content-Type", contentType)
                .header("Accept", accept)
                .POST(BodyPublishers.ofString(JSON.writeValueAsString(each.request())))
                .build());
    }

    private HttpResponse<String> get(SpecificationCase each, String accept) {
        String query = each.request().entrySet().stream()
                .map(member -> member.getKey() + "="
                        + URLEncoder.encode(member.getValue().toString(), StandardCharsets.UTF_8))
                .collect(Collectors.joining("&"));
        return client.send(HttpRequest.newBuilder(URI.create(client.uri("/graphql") + "?" + query))
                .header("Accept", accept)
                .build());
    }

    private static JsonNode firstResult(HttpResponse<String> stream) {
        assertThat(stream.headers().firstValue("Content-Type").orElse("")).startsWith("text/event-stream");
        return stream.body()
                .lines()
                .filter(line -> line.startsWith("data:{"))
                .map(line -> JSON.readTree(line.substring(5)))
                .findFirst()
                .orElseThrow(() -> new AssertionError(stream.body()));
    }
}
