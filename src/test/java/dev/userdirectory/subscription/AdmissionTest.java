package dev.userdirectory.subscription;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.userdirectory.Client;
import dev.userdirectory.DirectoryTest;
import dev.userdirectory.Tokens;
import dev.userdirectory.graphql.document.Sha256;
import dev.userdirectory.subscription.SocketClient.Close;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.test.context.TestPropertySource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Limits on the connections and operations that clients keep open. */
@DirectoryTest
@TestPropertySource(
        properties = {
            // The service notices a disconnected client when it writes the next ping.
            "spring.graphql.websocket.keep-alive=1s",
            "directory.subscriptions.connections=8",
            "directory.subscriptions.connections-per-subject=5",
            "directory.subscriptions.connections-per-address=3",
            "directory.subscriptions.operations=14",
            "directory.subscriptions.operations-per-subject=9",
            "directory.subscriptions.operations-per-socket=6",
            "directory.subscriptions.characters=3500",
            "directory.subscriptions.characters-per-subject=2000"
        })
class AdmissionTest {
    private static final String EVENTS = "subscription { userEvents { type } }";
    private static final AtomicInteger subjects = new AtomicInteger();

    @Autowired
    Client client;

    private final List<AutoCloseable> open = new ArrayList<>();

    @SuppressWarnings("NullAway.Init") // set before each test
    private URI graphQl;

    @SuppressWarnings("NullAway.Init") // set before each test
    private String token;

    @BeforeEach
    void useNewSubject() {
        graphQl = client.uri("/graphql");
        token = newSubject();
    }

    /** Waits until the connections of one test no longer count, before the next one begins. */
    @AfterEach
    void closeAll() {
        await().until(() -> {
            close();
            try {
                for (int i = 0; i < 8; i++) {
                    connect(newSubject());
                }
                return true;
            } catch (AssertionError e) {
                return false;
            } finally {
                close();
            }
        });
    }

    private void close() {
        open.forEach(each -> {
            try {
                each.close();
            } catch (Exception e) {
                throw new AssertionError(e);
            }
        });
        open.clear();
    }

    @Test
    void limitsSocketsAndStreamsOfOneSubject() throws IOException, InterruptedException {
        for (int i = 0; i < 3; i++) {
            connect(token);
        }
        EventStreamClient stream = stream(token);
        stream(token);

        assertThat(refused(token)).isEqualTo(new Close(1013, "At most 5 sockets and event streams of one subject"));
        try (EventStreamClient another = stream(token)) {
            assertThat(another.status()).isEqualTo(429);
        }
        connect(newSubject());

        stream.close();
        await().until(() -> {
            try {
                connect(token);
                return true;
            } catch (AssertionError e) {
                return false;
            }
        });
    }

    @Test
    void limitsSocketsWithoutTokenOfOneAddress() {
        for (int i = 0; i < 3; i++) {
            SocketClient socket = SocketClient.open(graphQl, Map.of());
            open.add(socket);
            // The service counts a socket a moment after the handshake.
            socket.settle();
        }
        SocketClient another = SocketClient.open(graphQl, Map.of());
        open.add(another);
        assertThat(another.closed())
                .isEqualTo(new Close(1013, "At most 3 connections that have shown no token, of one address"));

        SocketClient first = (SocketClient) open.getFirst();
        first.initialize(token);
        first.expect("connection_ack");
        connect(token);
    }

    @Test
    void limitsSocketsAndStreamsInTotal() throws IOException, InterruptedException {
        for (int i = 0; i < 8; i++) {
            connect(newSubject());
        }
        SocketClient another = SocketClient.open(graphQl, Map.of());
        open.add(another);
        assertThat(another.closed()).isEqualTo(new Close(1013, "At most 8 sockets and event streams are served here"));
        assertThat(stream(newSubject()).status()).isEqualTo(429);
    }

    @Test
    void limitsSubscriptionsOfOneSocketAndKeepsItOpen() {
        SocketClient socket = connect(token);
        for (int i = 0; i < 6; i++) {
            socket.subscribe("" + i, EVENTS, Map.of());
        }
        socket.settle();
        socket.subscribe("another", EVENTS, Map.of());
        JsonNode error = socket.expect("error");
        assertThat(error.get("id").asString()).isEqualTo("another");
        assertThat(error.at("/payload/0/extensions/code").asString()).isEqualTo("TOO_MANY_SUBSCRIPTIONS");
        assertThat(error.at("/payload/0/extensions/limit").asInt()).isEqualTo(6);

        socket.send(Map.of("type", "complete", "id", "0"));
        socket.subscribe("another", EVENTS, Map.of());
        socket.settle();
    }

    @Test
    void limitsSubscriptionsOfOneSubjectAndInTotal() {
        subscribe(connect(token), 6);
        SocketClient second = connect(token);
        subscribe(second, 3);
        second.subscribe("another", EVENTS, Map.of());
        assertThat(second.expect("error").at("/payload/0/message").asString())
                .isEqualTo("At most 9 subscriptions of one subject");

        subscribe(connect(newSubject()), 5);
        SocketClient last = connect(newSubject());
        last.subscribe("another", EVENTS, Map.of());
        assertThat(last.expect("error").at("/payload/0/message").asString())
                .isEqualTo("At most 14 subscriptions are served here");
    }

    @Test
    void limitsTheTotalLengthOfDocuments() {
        SocketClient socket = connect(token);
        socket.subscribe("1", EVENTS + "#" + "x".repeat(1000), Map.of());
        socket.subscribe("2", EVENTS + "#" + "x".repeat(1000), Map.of());
        assertThat(socket.expect("error").at("/payload/0/extensions/limit").asInt())
                .isEqualTo(2000);
        socket.send(Map.of("type", "complete", "id", "1"));
        socket.subscribe("2", EVENTS + "#" + "x".repeat(1000), Map.of());
        socket.settle();
    }

    @Test
    void limitsTheTotalLengthOfDocumentsThatAreSentByHash() {
        SocketClient socket = connect(token);
        for (int i = 0; i < 2; i++) {
            String document = "query Q { __typename } " + EVENTS.replace("subscription", "subscription S") + "#"
                    + Integer.toString(i).repeat(1000);
            Map<String, ?> extensions =
                    Map.of("persistedQuery", Map.of("version", 1, "sha256Hash", Sha256.hex(document)));
            client.withToken(token).post(Map.of("query", document, "operationName", "Q", "extensions", extensions));
            socket.send(Map.of(
                    "type",
                    "subscribe",
                    "id",
                    "" + i,
                    "payload",
                    Map.of("query", "", "operationName", "S", "extensions", extensions)));
            if (i == 0) {
                socket.settle();
            }
        }
        socket.send(Map.of("type", "ping"));
        JsonNode error = socket.expect("error");
        assertThat(error.get("id").asString()).isEqualTo("1");
        assertThat(error.at("/payload/0/extensions/limit").asInt()).isEqualTo(2000);
    }

    @Test
    void limitsTheTotalLengthOfDocumentsOfAllSubjects() {
        SocketClient first = connect(token);
        first.subscribe("1", EVENTS + "#" + "x".repeat(1800), Map.of());
        first.settle();
        SocketClient second = connect(newSubject());
        second.subscribe("1", EVENTS + "#" + "x".repeat(1800), Map.of());
        assertThat(second.expect("error").at("/payload/0/extensions/limit").asInt())
                .isEqualTo(3500);
    }

    @Test
    void countsTheVariablesOfSubscriptionsByTheMemoryThatTheyTake() {
        SocketClient socket = connect(token);
        // The service keeps unknown variables as well.
        socket.subscribe("1", EVENTS, Map.of("x", Collections.nCopies(100, List.of())));
        assertThat(socket.expect("error").at("/payload/0/extensions/code").asString())
                .isEqualTo("TOO_MANY_SUBSCRIPTIONS");
    }

    @Test
    void countsTheExtensionsOfSubscriptions() {
        SocketClient socket = connect(token);
        socket.send(Map.of(
                "type",
                "subscribe",
                "id",
                "1",
                "payload",
                Map.of("query", EVENTS, "extensions", Map.of("x", "x".repeat(2000)))));
        assertThat(socket.expect("error").at("/payload/0/extensions/code").asString())
                .isEqualTo("TOO_MANY_SUBSCRIPTIONS");
    }

    @Test
    void countsDocumentsOfChunkedEventStreams() throws IOException, InterruptedException {
        String document = EVENTS + "#" + "x".repeat(1000);
        assertThat(chunked(document).statusCode()).isEqualTo(200);
        HttpResponse<InputStream> another = chunked(document);
        assertThat(another.statusCode()).isEqualTo(429);
        assertThat(JsonMapper.shared()
                        .readTree(another.body())
                        .at("/errors/0/extensions/limit")
                        .asInt())
                .isEqualTo(2000);
    }

    private HttpResponse<InputStream> chunked(String document) throws IOException, InterruptedException {
        byte[] body = JsonMapper.shared().writeValueAsBytes(Map.of("query", document));
        HttpResponse<InputStream> response = HttpClient.newHttpClient()
                .send(
                        HttpRequest.newBuilder(graphQl)
                                .header("Content-Type", "application/json")
                                .header("Accept", "text/event-stream")
                                .header("Authorization", "Bearer " + token)
                                .POST(BodyPublishers.ofInputStream(() -> new ByteArrayInputStream(body)))
                                .build(),
                        BodyHandlers.ofInputStream());
        open.add(response.body());
        return response;
    }

    /** A query counts as an operation only while it runs. */
    @Test
    void countsNoCompletedOperations() {
        SocketClient socket = connect(token);
        for (int i = 0; i < 30; i++) {
            socket.subscribe("1", "{ __typename }", Map.of());
            socket.expect("next");
            socket.expect("complete");
            socket.subscribe("1", "{", Map.of());
            socket.expect("error");
        }
    }

    private static void subscribe(SocketClient socket, int count) {
        for (int i = 0; i < count; i++) {
            socket.subscribe("" + i, EVENTS, Map.of());
        }
        socket.settle();
    }

    private SocketClient connect(String as) {
        SocketClient socket = SocketClient.open(graphQl, Map.of());
        open.add(socket);
        socket.initialize(as);
        socket.expect("connection_ack");
        return socket;
    }

    private Close refused(String as) {
        SocketClient socket = SocketClient.open(graphQl, Map.of());
        open.add(socket);
        socket.initialize(as);
        return socket.closed();
    }

    private EventStreamClient stream(String as) throws IOException, InterruptedException {
        EventStreamClient stream = new EventStreamClient(graphQl, as, EVENTS, Map.of(), null);
        open.add(stream);
        return stream;
    }

    private static String newSubject() {
        return Tokens.sign(Tokens.claims()
                .subject("subject-" + subjects.incrementAndGet())
                .claim("scope", "users:read")
                .build());
    }
}
