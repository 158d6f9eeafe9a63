package dev.userdirectory.subscription;

import static org.assertj.core.api.Assertions.assertThat;

import dev.userdirectory.Client;
import dev.userdirectory.Directory;
import dev.userdirectory.DirectoryTest;
import dev.userdirectory.Tokens;
import dev.userdirectory.subscription.EventStreamClient.Event;
import java.io.IOException;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Instant;
import java.util.Date;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.annotation.Autowired;

@DirectoryTest
class EventStreamTest {
    private static final String EVENTS = "subscription { userEvents { type userId user { name } } }";
    private static final String READER = Tokens.withScopes("users:read");

    @Autowired
    Client client;

    @Autowired
    Directory directory;

    @Autowired
    EventStreams streams;

    @Test
    void sendsEventsAndResumesFromTheLastEventId() throws IOException, InterruptedException {
        Event last;
        try (EventStreamClient stream = open(READER, EVENTS, null)) {
            String user = directory.createUser();
            last = stream.expect("next");
            assertThat(last.data().at("/data/userEvents/userId").asString()).isEqualTo(user);
            assertThat(last.data().at("/data/userEvents/user/name").asString()).isEqualTo("User 0");
        }
        String missed = directory.createUser();
        try (EventStreamClient stream = open(READER, EVENTS, last.id())) {
            assertThat(stream.expect("next")
                            .data()
                            .at("/data/userEvents/userId")
                            .asString())
                    .isEqualTo(missed);
            String user = directory.createUser();
            assertThat(stream.expect("next")
                            .data()
                            .at("/data/userEvents/userId")
                            .asString())
                    .isEqualTo(user);
        }
    }

    /** Sends only what an {@code EventSource} can send. */
    @Test
    void subscribesByGetAndResumes() throws IOException, InterruptedException {
        Event last;
        try (EventStreamClient stream = EventStreamClient.get(client.uri("/graphql"), READER, EVENTS, null)) {
            directory.createUser();
            last = stream.expect("next");
        }
        String missed = directory.createUser();
        try (EventStreamClient stream = EventStreamClient.get(client.uri("/graphql"), READER, EVENTS, last.id())) {
            assertThat(stream.expect("next")
                            .data()
                            .at("/data/userEvents/userId")
                            .asString())
                    .isEqualTo(missed);
        }
    }

    /** A link is enough to make a browser send a GET request. */
    @Test
    void rejectsMutationsByGet() throws IOException, InterruptedException {
        String mutation = "mutation { createUser(name: \"By GET\", email: \"by-get@example.com\") { user { id } } }";
        try (EventStreamClient stream = EventStreamClient.get(
                client.uri("/graphql"), Tokens.withScopes("users:read users:write"), mutation, null)) {
            // As graphql-sse does: after a stream that ended, an EventSource would reconnect and repeat the mutation.
            assertThat(stream.status()).isEqualTo(405);
        }
        assertThat(client.data("{ userByEmail(email: \"by-get@example.com\") { id } }")
                        .get("userByEmail")
                        .isNull())
                .isTrue();
    }

    /** HTML 9.2.2: without a last event ID, an EventSource sends no header, but a polyfill sends an empty one. */
    @Test
    void treatsEmptyLastEventIdAsAbsent() throws IOException, InterruptedException {
        try (EventStreamClient stream = open(READER, EVENTS, "")) {
            String user = directory.createUser();
            assertThat(stream.expect("next")
                            .data()
                            .at("/data/userEvents/userId")
                            .asString())
                    .isEqualTo(user);
        }
    }

    /** An event's ID is the cursor that the event has everywhere in the feed. */
    @Test
    void usesTheCursorAsEventId() throws IOException, InterruptedException {
        try (EventStreamClient stream = open(READER, "subscription { userEvents { cursor } }", null)) {
            directory.createUsers(3);
            for (int i = 0; i < 3; i++) {
                Event event = stream.expect("next");
                assertThat(event.id())
                        .isEqualTo(event.data().at("/data/userEvents/cursor").asString());
            }
        }
    }

    @Test
    void tellsWhyASubscriptionIsRejected() throws IOException, InterruptedException {
        assertRefused(open(Tokens.withScopes("users:write"), EVENTS, null), "FORBIDDEN");
        assertRefused(open(READER, EVENTS, "nonsense"), "BAD_USER_INPUT");
        assertRefused(open(READER, "subscription { nothing }", null), "GRAPHQL_VALIDATION_FAILED");
        assertRefused(open(READER, "", null), "GRAPHQL_PARSE_FAILED");
    }

    /** UTF-8 cannot encode an unpaired surrogate. */
    @Test
    void replacesUnpairedSurrogate() throws IOException, InterruptedException {
        String half = "\\ud83d";
        String body = "{\"query\": \"{ __typename }\", \"operationName\": \"" + half + "\"}";
        try (EventStreamClient stream = EventStreamClient.post(client.uri("/graphql"), READER, body)) {
            assertThat(stream.expect("next").data().at("/errors/0/message").asString())
                    .contains("\ufffd");
            stream.expect("complete");
        }
    }

    private static void assertRefused(EventStreamClient stream, String code) throws InterruptedException {
        try (stream) {
            assertThat(stream.expect("next")
                            .data()
                            .at("/errors/0/extensions/code")
                            .asString())
                    .isEqualTo(code);
            stream.expect("complete");
            stream.expect("end");
        }
    }

    @Test
    void servesQueriesToo() throws IOException, InterruptedException {
        try (EventStreamClient stream = open(READER, "{ users(first: 0) { totalCount } }", null)) {
            assertThat(stream.expect("next").data().at("/data/users/totalCount").isNumber())
                    .isTrue();
            stream.expect("complete");
            stream.expect("end");
        }
    }

    @Test
    void endsStreamWhenTheTokenExpires() throws IOException, InterruptedException {
        String token = Tokens.sign(Tokens.claims()
                .claim("scope", "users:read")
                .expirationTime(Date.from(Instant.now().plusSeconds(8)))
                .build());
        try (EventStreamClient stream = open(token, EVENTS, null)) {
            directory.createUser();
            String cursor = stream.expect("next").id();
            Event end = stream.expect("next");
            assertThat(end.data().at("/errors/0/extensions/code").asString()).isEqualTo("UNAUTHENTICATED");
            assertThat(end.data().at("/errors/0/extensions/lastCursor").asString())
                    .isEqualTo(cursor);
            stream.expect("complete");
            stream.expect("end");
        }
    }

    @Test
    void acceptsTokenThatIsValidForCenturies() throws IOException, InterruptedException {
        String token = Tokens.sign(Tokens.claims()
                .claim("scope", "users:read")
                .expirationTime(Date.from(Instant.parse("9999-12-31T23:59:59Z")))
                .build());
        try (EventStreamClient stream = open(token, EVENTS, null)) {
            directory.createUser();
            assertThat(stream.expect("next").data().has("errors")).isFalse();
        }
    }

    @Test
    void rejectsStreamsDuringShutdown() {
        streams.stop();
        try {
            HttpResponse<String> response = client.send(HttpRequest.newBuilder(client.uri("/graphql?query=%7Ba%7D"))
                    .header("Accept", "text/event-stream")
                    .build());
            assertThat(response.statusCode()).isEqualTo(503);
            assertThat(response.headers().firstValue("Retry-After")).isPresent();
            assertThat(response.body()).startsWith("{\"errors\":[{").contains("\"code\":\"UNAVAILABLE\"");
        } finally {
            streams.start();
        }
    }

    @Test
    void rejectsInvalidToken() throws IOException, InterruptedException {
        try (EventStreamClient stream = open("nonsense", EVENTS, null)) {
            assertThat(stream.status()).isEqualTo(401);
        }
    }

    private EventStreamClient open(String token, String query, @Nullable String lastEventId)
            throws IOException, InterruptedException {
        return new EventStreamClient(client.uri("/graphql"), token, query, Map.of(), lastEventId);
    }
}
