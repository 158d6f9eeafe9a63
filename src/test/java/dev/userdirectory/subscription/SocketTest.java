package dev.userdirectory.subscription;

import static org.assertj.core.api.Assertions.assertThat;

import dev.userdirectory.Client;
import dev.userdirectory.Directory;
import dev.userdirectory.DirectoryTest;
import dev.userdirectory.TestPostgres.Statements;
import dev.userdirectory.Tokens;
import dev.userdirectory.Waiting;
import dev.userdirectory.subscription.SocketClient.Close;
import java.io.IOException;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Date;
import java.util.HashMap;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.beans.factory.annotation.Autowired;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

@DirectoryTest
class SocketTest {
    private static final String EVENTS = """
            subscription ($after: String, $user: ID) {
              userEvents(after: $after, userId: $user) { cursor type userId user { name groups { totalCount } } }
            }""";
    private static final String READER = Tokens.withScopes("users:read");

    @Autowired
    Client client;

    @Autowired
    Directory directory;

    @Autowired
    Statements statements;

    @SuppressWarnings("NullAway.Init") // set before each test
    private URI graphQl;

    @BeforeEach
    void findEndpoint() {
        graphQl = client.uri("/graphql");
    }

    @Test
    void sendsEvents() {
        try (SocketClient socket = SocketClient.connect(graphQl, READER)) {
            socket.subscribe("1", EVENTS, Map.of());
            socket.settle();
            String user = directory.createUser();
            JsonNode event = next(socket);

            assertThat(event.at("/type").asString()).isEqualTo("CREATED");
            assertThat(event.at("/userId").asString()).isEqualTo(user);
            assertThat(event.at("/user/name").asString()).isEqualTo("User 0");
            assertThat(event.at("/user/groups/totalCount").asInt()).isZero();
        }
    }

    /** Without hints, the feed polls only twice a second. */
    @Test
    void sendsEventsSoonAfterTheWrite() {
        try (SocketClient socket = SocketClient.connect(graphQl, READER)) {
            socket.subscribe("1", EVENTS, Map.of());
            socket.settle();
            long[] millis = new long[21];
            for (int i = 0; i < millis.length; i++) {
                directory.createUser();
                long written = System.nanoTime();
                next(socket);
                millis[i] = Math.max(0, socket.lastReceived() - written) / 1_000_000;
            }
            Arrays.sort(millis);

            assertThat(millis[millis.length / 2])
                    .as("%s", Arrays.toString(millis))
                    .isLessThan(300);
        }
    }

    /** Each event loads the user again, instead of repeating the state of the first event. */
    @Test
    void showsTheUserAsItIsNow() {
        try (SocketClient socket = SocketClient.connect(graphQl, READER)) {
            String user = directory.createUser();
            socket.subscribe("1", EVENTS, Map.of("user", user));
            socket.settle();
            for (String name : List.of("Ada", "Bea", "Cleo")) {
                rename(user, name);
                assertThat(next(socket).at("/user/name").asString()).isEqualTo(name);
            }
            directory.createGroup("A group", List.of(user));
            rename(user, "Dora");
            assertThat(next(socket).at("/user/groups/totalCount").asInt()).isEqualTo(1);
            client.data("mutation ($id: ID!) { deleteUser(id: $id) { errors { code } } }", Map.of("id", user));
            JsonNode deleted = next(socket);

            assertThat(deleted.at("/type").asString()).isEqualTo("DELETED");
            assertThat(deleted.at("/user").isNull()).isTrue();
        }
    }

    @Test
    void disconnectsClientThatDoesNotCloseARejectedSocket() throws IOException {
        try (Socket socket = new Socket(graphQl.getHost(), graphQl.getPort())) {
            socket.setSoTimeout(20_000);
            String handshake = String.join(
                    "\r\n",
                    "GET /graphql HTTP/1.1",
                    "Host: localhost",
                    "Connection: Upgrade",
                    "Upgrade: websocket",
                    "Sec-WebSocket-Version: 13",
                    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
                    "\r\n");
            socket.getOutputStream().write(handshake.getBytes(StandardCharsets.US_ASCII));

            assertThat(new String(socket.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1))
                    .startsWith("HTTP/1.1 101")
                    .contains("Only the subprotocol");
        }
    }

    /** Otherwise each subscriber of an event would execute a statement of its own. */
    @Test
    void loadsTheUserOnceForManySubscribers() {
        List<SocketClient> sockets = new ArrayList<>();
        try {
            for (int i = 0; i < 100; i++) {
                SocketClient socket = SocketClient.connect(graphQl, READER);
                sockets.add(socket);
                socket.subscribe("1", "subscription { userEvents { user { name } } }", Map.of());
                socket.settle();
            }
            int fewest = Integer.MAX_VALUE;
            // On a busy machine, the lookups for one of the events may come one after the other.
            for (int event = 0; event < 5; event++) {
                statements.clear();
                directory.createUser();
                for (SocketClient socket : sockets) {
                    assertThat(next(socket).at("/user/name").asString()).isEqualTo("User 0");
                }
                fewest = Math.min(fewest, statements.executed().size());
            }

            assertThat(fewest).isLessThan(50);
        } finally {
            sockets.forEach(SocketClient::close);
        }
    }

    @Test
    void resumesAfterACursorAndContinuesWithNewEvents() {
        List<String> users = directory.createUsers(5);
        String first = client.data("{ userEvents { newestCursor } }")
                .at("/userEvents/newestCursor")
                .asString();
        for (int i = 0; i < 5; i++) {
            rename(users.get(i), "Before " + i);
        }
        try (SocketClient socket = SocketClient.connect(graphQl, READER)) {
            socket.subscribe("1", EVENTS, Map.of("after", first));
            for (int i = 0; i < 5; i++) {
                assertThat(next(socket).at("/user/name").asString()).isEqualTo("Before " + i);
            }
            rename(users.get(0), "After");
            assertThat(next(socket).at("/user/name").asString()).isEqualTo("After");
        }
    }

    @Test
    void filtersEventsByUser() {
        List<String> users = directory.createUsers(3);
        try (SocketClient socket = SocketClient.connect(graphQl, READER)) {
            socket.subscribe("1", EVENTS, Map.of("user", users.get(1)));
            socket.settle();
            users.forEach(user -> rename(user, "Zoe"));
            rename(users.get(1), "Yve");

            assertThat(next(socket).at("/userId").asString()).isEqualTo(users.get(1));
            assertThat(next(socket).at("/user/name").asString()).isEqualTo("Yve");
        }
    }

    @Test
    void servesSeveralSubscriptionsAndOtherOperations() {
        try (SocketClient socket = SocketClient.connect(graphQl, Tokens.withScopes("users:read users:write"))) {
            socket.subscribe("a", EVENTS, Map.of());
            socket.subscribe("b", EVENTS, Map.of());
            socket.subscribe("query", "{ users(first: 1) { nodes { id } } }", Map.of());
            assertThat(socket.expect("next").at("/id").asString()).isEqualTo("query");
            socket.expect("complete");
            socket.settle();
            directory.createUser();
            Set<String> ids = new HashSet<>();
            ids.add(socket.expect("next").at("/id").asString());
            ids.add(socket.expect("next").at("/id").asString());
            assertThat(ids).containsExactlyInAnyOrder("a", "b");

            socket.send(Map.of("type", "complete", "id", "a"));
            socket.settle();
            directory.createUser();
            assertThat(socket.expect("next").at("/id").asString()).isEqualTo("b");
            assertThat(socket.poll(Duration.ofMillis(300))).isNull();
            socket.subscribe("a", EVENTS, Map.of());
            socket.settle();
        }
    }

    @Test
    void tellsWhyAnOperationFails() {
        try (SocketClient socket = SocketClient.connect(graphQl, READER)) {
            socket.subscribe("1", EVENTS, Map.of("after", "nonsense"));
            JsonNode error = socket.expect("error");
            assertThat(error.at("/id").asString()).isEqualTo("1");
            assertThat(error.at("/payload/0/extensions/code").asString()).isEqualTo("BAD_USER_INPUT");
            assertThat(error.at("/payload/0/extensions/argument").asString()).isEqualTo("after");

            socket.subscribe("1", EVENTS, Map.of("user", "nonsense"));
            assertThat(socket.expect("error")
                            .at("/payload/0/extensions/argument")
                            .asString())
                    .isEqualTo("userId");

            socket.subscribe("1", "subscription { nothing }", Map.of());
            assertThat(socket.expect("error").at("/payload/0/extensions/code").asString())
                    .isEqualTo("GRAPHQL_VALIDATION_FAILED");
        }
    }

    @Test
    void acceptsTheTokenOfTheHandshake() {
        try (SocketClient socket = SocketClient.open(graphQl, Map.of("Authorization", "Bearer " + READER))) {
            socket.send(Map.of("type", "connection_init"));
            socket.expect("connection_ack");
            socket.subscribe("1", EVENTS, Map.of());
            socket.settle();
        }
    }

    @Test
    void rejectsSocketsWithoutToken() {
        try (SocketClient socket = SocketClient.open(graphQl, Map.of())) {
            socket.send(Map.of("type", "connection_init"));
            assertThat(socket.closed()).isEqualTo(new Close(4401, "Unauthorized"));
        }
        try (SocketClient socket = SocketClient.open(graphQl, Map.of())) {
            socket.subscribe("1", EVENTS, Map.of());
            assertThat(socket.closed().code()).isEqualTo(4401);
        }
    }

    @Test
    void rejectsInvalidTokens() {
        try (SocketClient socket = SocketClient.open(graphQl, Map.of())) {
            socket.initialize(expiringIn(Duration.ofSeconds(-5)));
            assertThat(socket.closed()).isEqualTo(new Close(4401, "Token expired"));
        }
        try (SocketClient socket = SocketClient.open(graphQl, Map.of())) {
            socket.initialize("nonsense");
            assertThat(socket.closed().code()).isEqualTo(4401);
        }
    }

    @Test
    void closesWhenTheTokenExpires() {
        Instant start = Instant.now();
        try (SocketClient socket = SocketClient.connect(graphQl, expiringIn(Duration.ofSeconds(8)))) {
            socket.subscribe("1", EVENTS, Map.of());

            assertThat(socket.closed()).isEqualTo(new Close(4401, "Token expired"));
            assertThat(Duration.between(start, Instant.now())).isLessThan(Duration.ofSeconds(15));
        }
    }

    @Test
    void staysOpenWhileTheTokenIsRenewedInTime() {
        String first = expiringIn(Duration.ofSeconds(5));
        Instant expired = Instant.now().plusSeconds(5);
        try (SocketClient socket = SocketClient.connect(graphQl, first)) {
            socket.subscribe("1", EVENTS, Map.of());
            renew(socket, expiringIn(Duration.ofSeconds(15)));
            socket.expect("pong");
            Waiting.until(() -> Instant.now().isAfter(expired));
            directory.createUser();
            next(socket);

            assertThat(socket.closed().code()).isEqualTo(4401);
        }
    }

    @Test
    void rejectsRenewalByAnotherSubjectOrWithFewerScopes() {
        try (SocketClient socket = SocketClient.connect(graphQl, READER)) {
            renew(
                    socket,
                    Tokens.sign(Tokens.claims()
                            .subject("another")
                            .claim("scope", "users:read")
                            .build()));
            assertThat(socket.closed().code()).isEqualTo(4403);
        }
        try (SocketClient socket = SocketClient.connect(graphQl, READER)) {
            renew(socket, Tokens.withScopes("users:write"));
            assertThat(socket.closed().code()).isEqualTo(4403);
        }
        try (SocketClient socket = SocketClient.connect(graphQl, READER)) {
            renew(socket, "nonsense");
            assertThat(socket.closed().code()).isEqualTo(4401);
        }
    }

    /** As over HTTP, a failed non-null root field makes `data` null. The socket's other operations continue. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "{ users(first: 0) { totalCount } }",
                "query ($s: ID = \"x\") { nodes(ids: [$s]) { id } }",
                "mutation { createGroup(name: \"x\") { group { id } } }"
            })
    void answersFailedRootFieldAsOverHttp(String document) {
        Map<String, Object> request = new HashMap<>(Map.of("query", document));
        request.put("variables", Collections.singletonMap("s", null));
        for (String scope : List.of("users:read", "users:write")) {
            String token = Tokens.withScopes(scope);
            JsonNode overHttp =
                    JsonMapper.shared().readTree(client.as(scope).post(request).body());
            if (!overHttp.path("data").isNull()) {
                continue;
            }
            try (SocketClient socket = SocketClient.connect(graphQl, token)) {
                subscribe(socket, request);
                assertThat(socket.expect("next").get("payload")).isEqualTo(overHttp);
                socket.expect("complete");
                socket.subscribe("1", "{ __typename }", Map.of());
                socket.expect("next");
            }
        }
    }

    @Test
    void closesWhenASubscriptionLacksAScope() {
        try (SocketClient socket = SocketClient.connect(graphQl, Tokens.withScopes("users:write"))) {
            socket.subscribe("1", EVENTS, Map.of());
            assertThat(socket.closed()).isEqualTo(new Close(4403, "Needs the scope `users:read`"));
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            {                                                                 | 4400
            []                                                                | 4400
            {"type": "start"}                                                 | 4400
            {"type": "subscribe", "id": "1"}                                  | 4400
            {"type": "subscribe", "payload": {"query": "{ __typename }"}}     | 4400
            {"type": "subscribe", "id": "1", "payload": {}}                   | 4400
            {"type": "subscribe", "id": "1", "payload": {"query": 1}}         | 4400
            {"type": "subscribe", "id": "1", "payload": {"query": "{ __typename }", "variables": 1}} | 4400
            {"type": "subscribe", "id": "", "payload": {"query": "{ __typename }"}} | 4400
            {"type": "subscribe", "id": 1, "payload": {"query": "{ __typename }"}} | 4400
            {"type": "subscribe", "id": true, "payload": {"query": "{ __typename }"}} | 4400
            {"type": "subscribe", "id": null, "payload": {"query": "{ __typename }"}} | 4400
            {"type": "complete"}                                              | 4400
            {"type": "complete", "id": 1}                                     | 4400
            {"type": "ping", "payload": "x"}                                  | 4400
            {"type": "pong", "payload": []}                                   | 4400
            {"type": 1}                                                       | 4400
            {"type": "connection_init", "payload": 1}                         | 4400
            {"type": "connection_init"}                                       | 4429
            """)
    void closesOnInvalidMessage(String message, int code) {
        try (SocketClient socket = SocketClient.connect(graphQl, READER)) {
            socket.sendText(message);
            assertThat(socket.closed().code()).isEqualTo(code);
        }
    }

    @Test
    void closesOnASecondSubscriberOfTheSameId() {
        try (SocketClient socket = SocketClient.connect(graphQl, READER)) {
            socket.subscribe("1", EVENTS, Map.of());
            socket.subscribe("1", EVENTS, Map.of());
            assertThat(socket.closed()).isEqualTo(new Close(4409, "Subscriber for 1 already exists"));
        }
    }

    @Test
    void rejectsOtherSubprotocols() {
        try (SocketClient socket = SocketClient.open(graphQl, (String) null)) {
            assertThat(socket.closed().code()).isEqualTo(4406);
        }
    }

    @Test
    void limitsTheLengthOfMessages() {
        try (SocketClient socket = SocketClient.connect(graphQl, READER)) {
            socket.subscribe("1", "{ users(first: 0) { totalCount } } #" + " ".repeat(50_000), Map.of());
            socket.expect("next");
            socket.sendText("x".repeat(200_000));
            assertThat(socket.closed().code()).isEqualTo(1009);
        }
    }

    @Test
    void runsPersistedQueries() {
        String query = "{ users(first: 0) { totalCount } }";
        Map<String, ?> hash = Map.of("version", 1, "sha256Hash", sha256(query));
        try (SocketClient socket = SocketClient.connect(graphQl, READER)) {
            subscribe(socket, Map.of("query", "", "extensions", Map.of("persistedQuery", hash)));
            assertThat(socket.expect("error").at("/payload/0/message").asString())
                    .isEqualTo("PersistedQueryNotFound");
            subscribe(socket, Map.of("query", query, "extensions", Map.of("persistedQuery", hash)));
            socket.expect("next");
            socket.expect("complete");
            for (Map<String, ?> payload : List.<Map<String, ?>>of(
                    Map.of("query", "", "extensions", Map.of("persistedQuery", hash)),
                    Map.of("extensions", Map.of("persistedQuery", hash)),
                    Map.of("id", sha256(query)),
                    Map.of("documentId", "sha256:" + sha256(query)))) {
                subscribe(socket, payload);
                assertThat(socket.expect("next")
                                .at("/payload/data/users/totalCount")
                                .isNumber())
                        .isTrue();
                socket.expect("complete");
            }
        }
    }

    @Test
    void executesEventsOfAPersistedSubscription() {
        String query = "subscription { userEvents { userId } } # " + System.nanoTime();
        Map<String, ?> extensions = Map.of("persistedQuery", Map.of("version", 1, "sha256Hash", sha256(query)));
        try (SocketClient socket = SocketClient.connect(graphQl, READER)) {
            subscribe(socket, Map.of("query", query, "extensions", extensions));
            socket.settle();
            socket.send(Map.of("type", "complete", "id", "1"));
            subscribe(socket, Map.of("query", "", "extensions", extensions));
            socket.settle();
            String user = directory.createUser();

            assertThat(next(socket).get("userId").asString()).isEqualTo(user);
        }
    }

    /** A member that may be absent may also be null. */
    @Test
    void treatsNullAsAbsent() {
        try (SocketClient socket = SocketClient.connect(graphQl, READER)) {
            socket.sendText("{\"type\": \"ping\", \"payload\": null}");
            socket.expect("pong");
            socket.sendText("{\"type\": \"complete\", \"id\": \"unknown\"}");
            socket.sendText("{\"type\": \"subscribe\", \"id\": \"1\", \"payload\": {\"query\": \"{ __typename }\","
                    + " \"operationName\": null, \"variables\": null, \"extensions\": null, \"id\": null}}");
            socket.expect("next");
            socket.expect("complete");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"", " ", "{", "#"})
    void reportsEmptyOrBrokenQuery(String query) {
        try (SocketClient socket = SocketClient.connect(graphQl, READER)) {
            socket.subscribe("1", query, Map.of());
            assertThat(socket.expect("error").at("/payload/0/extensions/code").asString())
                    .isEqualTo("GRAPHQL_PARSE_FAILED");
            socket.subscribe("1", "{ __typename }", Map.of());
            socket.expect("next");
        }
    }

    /** JSON escapes the surrogate, so it arrives unchanged. */
    @Test
    void echoesUnpairedSurrogateUnchanged() {
        String half = "\\ud83d";
        try (SocketClient socket = SocketClient.connect(graphQl, READER)) {
            socket.subscribe("other", EVENTS, Map.of());
            for (String payload : List.of(
                    "{\"query\": \"{ __typename }\", \"operationName\": \"" + half + "\"}",
                    "{\"query\": \"{ user(id: \\\"" + half + "\\\") { id } }\"}",
                    "{\"query\": \"{ a" + half + " }\"}",
                    "{\"query\": \"query ($" + half + ": Int) { __typename }\"}",
                    "{\"query\": \"query ($i: ID!) { user(id: $i) { id } }\", \"variables\": {\"i\": \"" + half
                            + "\"}}")) {
                socket.sendText("{\"type\": \"subscribe\", \"id\": \"" + half + "\", \"payload\": " + payload + "}");
                JsonNode answer = Objects.requireNonNull(socket.poll(Duration.ofSeconds(20)));
                assertThat(answer.get("id").asString()).isEqualTo("\ud83d");
                assertThat(answer.at("/payload").toString()).contains("\"code\":");
                if (answer.get("type").asString().equals("next")) {
                    socket.expect("complete");
                }
            }
            directory.createUser();
            assertThat(socket.expect("next").get("id").asString()).isEqualTo("other");
        }
    }

    @Test
    void rejectsTokensBoundToAKey() {
        String token = Tokens.sign(Tokens.claims()
                .claim("scope", "users:read")
                .claim("cnf", Map.of("x5t#S256", "bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2"))
                .build());
        try (SocketClient socket = SocketClient.open(graphQl, Map.of())) {
            socket.initialize(token);
            assertThat(socket.closed())
                    .isEqualTo(new Close(4401, "Token bound to a key, and proof of possession is not supported"));
        }
        assertThat(client.withToken(token).post("{ __typename }").statusCode()).isEqualTo(401);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "subscription { userEvents @skip(if: true) { type } }",
                "subscription ($no: Boolean!) { userEvents @include(if: $no) { type } }",
                "subscription { ... @skip(if: true) { userEvents { type } } }",
                "subscription { ...F } fragment F on Subscription { ...G @skip(if: true) } fragment G on Subscription {"
                        + " userEvents { type } }"
            })
    void rejectsSkippedRootField(String query) {
        try (SocketClient socket = SocketClient.connect(graphQl, READER)) {
            socket.subscribe("1", query, Map.of("no", false));
            assertThat(socket.expect("error").at("/payload/0/extensions/code").asString())
                    .isEqualTo("GRAPHQL_VALIDATION_FAILED");
        }
    }

    private static void subscribe(SocketClient socket, Map<String, ?> payload) {
        socket.send(Map.of("type", "subscribe", "id", "1", "payload", payload));
    }

    private static String sha256(String text) {
        try {
            return HexFormat.of()
                    .formatHex(MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8)));
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError(e);
        }
    }

    private void rename(String user, String name) {
        client.data(
                "mutation ($id: ID!, $name: String!) { updateUser(id: $id, name: $name) { errors { code } } }",
                Map.of("id", user, "name", name));
    }

    private static JsonNode next(SocketClient socket) {
        return socket.expect("next").at("/payload/data/userEvents");
    }

    private static void renew(SocketClient socket, String token) {
        socket.send(Map.of("type", "ping", "payload", Map.of("Authorization", "Bearer " + token)));
    }

    private static String expiringIn(Duration time) {
        return Tokens.sign(Tokens.claims()
                .claim("scope", "users:read")
                .expirationTime(Date.from(Instant.now().plus(time)))
                .build());
    }
}
