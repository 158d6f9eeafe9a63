package dev.userdirectory.webhook;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.userdirectory.Client;
import dev.userdirectory.Directory;
import dev.userdirectory.DirectoryTest;
import dev.userdirectory.Waiting;
import dev.userdirectory.database.BackgroundThreads;
import dev.userdirectory.event.EventLog;
import dev.userdirectory.event.FeedCursors;
import dev.userdirectory.generated.types.DirectoryEventType;
import dev.userdirectory.relay.Cursors;
import dev.userdirectory.webhook.TestReceiver.Behaviour;
import dev.userdirectory.webhook.TestReceiver.Request;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.IOException;
import java.security.GeneralSecurityException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.dao.support.DataAccessUtils;
import org.springframework.jdbc.core.JdbcTemplate;
import tools.jackson.databind.JsonNode;

/** Webhooks of several instances, simulated by several {@link Webhooks}, and receivers that misbehave. */
@DirectoryTest
class WebhooksTest {
    private static final byte[] KEY = "a key of at least 24 bytes".getBytes(UTF_8);
    private static final String SECRET = "whsec_" + Base64.getEncoder().encodeToString(KEY);

    @Autowired
    Client client;

    @Autowired
    Directory directory;

    @Autowired
    JdbcTemplate jdbc;

    @Autowired
    EventLog events;

    @Autowired
    Cursors cursors;

    @Autowired
    BackgroundThreads threads;

    private final String name = "test-" + UUID.randomUUID().toString().substring(24);
    private final MeterRegistry meters = new SimpleMeterRegistry();
    private final List<Webhooks> instances = new ArrayList<>();
    private TestReceiver receiver;

    @BeforeEach
    void startReceiver() throws IOException {
        receiver = new TestReceiver();
    }

    @AfterEach
    void stopAll() {
        instances.forEach(Webhooks::stop);
        receiver.close();
    }

    @Test
    void sendsTheEventsOfTheFeed() throws Exception {
        start();
        String user = directory.createUser();
        client.data("mutation ($id: ID!) { updateUser(id: $id, name: \"Other\") { user { id } } }", Map.of("id", user));
        String group = directory.createGroup("Group", List.of(user));
        client.data("mutation ($id: ID!) { deleteUser(id: $id) { errors { code } } }", Map.of("id", user));

        awaitAccepted(6);
        // Other tests may have trimmed events of this moment, so that they would have expired.
        jdbc.execute("truncate trimmed_events, trimmed_group_events");

        JsonNode feed = client.data(
                        """
                        query ($since: DateTime!) {
                          directoryEvents(since: $since) {
                            nodes {
                              __typename
                              occurredAt
                              actor { subject client }
                              ... on UserCreated { userId }
                              ... on UserUpdated { userId changed }
                              ... on UserDeleted { userId }
                              ... on GroupCreated { groupId }
                              ... on MemberAdded { userId groupId }
                              ... on MemberRemoved { userId groupId }
                            }
                          }
                        }""",
                        Map.of(
                                "since",
                                receiver.accepted()
                                        .getFirst()
                                        .event()
                                        .get("time")
                                        .asString()))
                .at("/directoryEvents/nodes");
        for (int i = 0; i < 6; i++) {
            JsonNode event = receiver.accepted().get(i).event();
            JsonNode expected = feed.get(i);
            assertThat(event.get("specversion").asString()).isEqualTo("1.0");
            assertThat(event.get("source").asString()).isEqualTo("user-directory");
            assertThat(event.get("type").asString())
                    .isEqualTo("dev.userdirectory." + expected.get("__typename").asString());
            assertThat(event.get("time")).isEqualTo(expected.get("occurredAt"));
            assertThat(event.get("subject").asString()).isEqualTo(expected.has("groupId") ? group : user);
            assertThat(event.get("data").properties())
                    .filteredOn(field -> !field.getKey().equals("cursor"))
                    .containsExactlyInAnyOrderElementsOf(expected.properties().stream()
                            .filter(field -> !field.getKey().equals("__typename"))
                            .toList());
        }
        String cursor = receiver.accepted().get(4).event().at("/data/cursor").asString();
        assertThat(client.data(
                                "query ($after: String) { directoryEvents(first: 1, after: $after) { nodes { occurredAt } } }",
                                Map.of("after", cursor))
                        .at("/directoryEvents/nodes/0/occurredAt"))
                .isEqualTo(receiver.accepted().get(5).event().get("time"));
    }

    @Test
    void signsEachMessage() throws Exception {
        byte[] newKey = "the key that replaces the other one".getBytes(UTF_8);
        Webhook webhook = webhook(name, receiver, Set.of());
        start(new Webhook(
                name,
                webhook.url(),
                List.of("whsec_" + Base64.getEncoder().encodeToString(newKey), SECRET),
                Set.of(),
                webhook.source(),
                webhook.timeout(),
                webhook.maxDelay()));
        directory.createUser();
        awaitAccepted(1);

        Request request = receiver.accepted().getFirst();
        String signed = request.id() + "." + request.timestamp() + "." + request.body();
        assertThat(request.signature()).isEqualTo("v1," + hmac(newKey, signed) + " v1," + hmac(KEY, signed));
        assertThat(request.contentType()).isEqualTo("application/cloudevents+json");
        assertThat(request.id()).isEqualTo(request.event().get("id").asString()).doesNotContain(".");
    }

    private static String hmac(byte[] key, String text) throws GeneralSecurityException {
        Mac mac = Mac.getInstance("HmacSHA256");
        mac.init(new SecretKeySpec(key, "HmacSHA256"));
        return Base64.getEncoder().encodeToString(mac.doFinal(text.getBytes(UTF_8)));
    }

    @Test
    void sendsOnlyTheConfiguredTypesAndPassesOverTheOthers() {
        start(webhook(name, receiver, Set.of(DirectoryEventType.GROUP_CREATED)));
        String group = directory.createGroup("Group", directory.createUsers(3));
        directory.createUsers(3);

        awaitAccepted(1);
        String newest = FeedCursors.place(newestCursor());
        Waiting.until(() -> FeedCursors.place(cursor()).equals(newest));

        assertThat(receiver.requests()).hasSize(1);
        assertThat(receiver.accepted().getFirst().event().get("subject").asString())
                .isEqualTo(group);
    }

    @ParameterizedTest
    @ValueSource(strings = {"hangs", "drips", "redirects", "fails", "disconnects", "asks to wait for an hour"})
    void repeatsAnEventUntilItIsAccepted(String fault) throws IOException {
        TestReceiver other = new TestReceiver();
        boolean isSilent = fault.equals("hangs") || fault.equals("drips");
        start(isSilent ? impatient() : webhook(name, receiver, Set.of()), webhook(name + "-other", other, Set.of()));
        receiver.behave(misbehaviour(fault, other));

        List<String> users = createUsers(3);

        Waiting.until(() -> receiver.requests().size() >= 2 && other.accepted().size() >= 3);
        assertThat(lag(name)).isPositive();
        assertThat(receiver.requests())
                .extracting(Request::id)
                .containsOnly(other.accepted().getFirst().id());
        assertThat(receiver.accepted()).isEmpty();
        assertThat(subjects(other)).isEqualTo(users);

        receiver.behave(TestReceiver::accept);
        awaitAccepted(3);
        assertThat(subjects(receiver)).isEqualTo(users);
        Waiting.until(() -> lag(name) == 0);
        other.close();
    }

    private static Behaviour misbehaviour(String fault, TestReceiver other) {
        return switch (fault) {
            case "hangs" -> TestReceiver::hang;
            case "drips" -> TestReceiver::drip;
            case "redirects" ->
                exchange -> {
                    exchange.getResponseHeaders().set("Location", other.url() + "?redirected");
                    return 307;
                };
            case "fails" -> exchange -> 500;
            case "disconnects" -> exchange -> 0;
            default ->
                exchange -> {
                    exchange.getResponseHeaders().set("Retry-After", "3600");
                    return 503;
                };
        };
    }

    @Test
    void continuesWhenTheReceiverIsBack() throws IOException {
        start();
        directory.createUser();
        awaitDelivered(1);
        receiver.stop();

        List<String> users = createUsers(2);
        Waiting.until(() -> lag(name) > 0);
        receiver.restart();

        awaitAccepted(3);
        assertThat(subjects(receiver).subList(1, 3)).isEqualTo(users);
    }

    /** The first instance is stopped during an attempt, and does not learn its outcome. */
    @Test
    void anotherInstanceContinuesWhereOneStopped() {
        Webhooks first = start();
        directory.createUser();
        awaitDelivered(1);
        Webhooks second = start();
        receiver.behave(TestReceiver::hang);
        List<String> users = createUsers(3);
        Waiting.until(() -> receiver.requests().size() >= 2);
        assertThat(locks(name)).isEqualTo(1);
        String repeated = receiver.requests().getLast().id();

        first.stop();
        receiver.behave(TestReceiver::accept);

        awaitAccepted(4);
        assertThat(receiver.accepted().get(1).id()).isEqualTo(repeated);
        assertThat(subjects(receiver).subList(1, 4)).isEqualTo(users);
        assertThat(second.isRunning()).isTrue();
    }

    /** It loses the connection if PostgreSQL or the network fails. */
    @Test
    void continuesAfterLosingItsConnection() {
        start();
        directory.createUser();
        awaitDelivered(1);
        AtomicInteger killed = new AtomicInteger();
        receiver.behave(exchange -> {
            if (killed.getAndIncrement() < 3) {
                jdbc.queryForList(
                        "select pg_terminate_backend(pid) from pg_stat_activity where application_name = ?",
                        application(name));
            }
            return TestReceiver.accept(exchange);
        });

        List<String> users = createUsers(10);

        Waiting.until(() -> subjects(receiver).contains(users.getLast()));
        assertThat(subjects(receiver).stream().distinct().skip(1)).isEqualTo(users);
        assertThat(receiver.accepted()).hasSizeGreaterThan(11);
    }

    @Test
    void startsWithTheNextEvent() {
        directory.createUser();
        start();
        String user = directory.createUser();

        awaitAccepted(1);
        assertThat(subjects(receiver)).containsExactly(user);
    }

    /** Waiting events that are kept follow, unless it is unknown where they begin. */
    @ParameterizedTest
    @CsvSource({"removed, false", "lost, true", "invalid, false"})
    void tellsReceiverThatEventsAreMissingAndContinues(String reason, boolean waitingEventsFollow) throws Exception {
        Webhooks before = start();
        List<String> subjects = new ArrayList<>(List.of(directory.createUser(), ""));
        awaitDelivered(1);
        before.stop();
        expire(reason);
        receiver.behave(exchange -> 500);
        String waiting = directory.createUser();
        if (waitingEventsFollow) {
            subjects.add(waiting);
        }
        start();
        Waiting.until(() -> receiver.requests().size() >= 3);
        receiver.behave(TestReceiver::accept);
        awaitAccepted(subjects.size());
        subjects.add(directory.createUser());
        awaitAccepted(subjects.size());

        List<Request> told = receiver.requests().subList(1, receiver.requests().size() - subjects.size() + 2);
        assertThat(told).extracting(Request::id).containsOnly(told.getFirst().id());
        assertThat(told)
                .extracting(request -> request.event().get("type").asString())
                .containsOnly("dev.userdirectory.EventsExpired");
        assertThat(subjectsOrEmpty()).isEqualTo(subjects);
        assertThat(meters.get("directory.webhook.expired").counter().count()).isEqualTo(1);
    }

    private List<String> subjectsOrEmpty() {
        return receiver.accepted().stream()
                .map(request -> request.event().path("subject").asString(""))
                .toList();
    }

    /** An instance that had read more may notice the loss only after this one has delivered events of the new era. */
    @Test
    void tellsReceiverOnceThatTheEraLacksEvents() {
        start();
        directory.createUser();
        awaitDelivered(1);

        jdbc.update("update feed_eras set lossy = true where id = feed_era()");
        try {
            awaitAccepted(2);
            String user = directory.createUser();
            awaitAccepted(3);

            assertThat(receiver.accepted())
                    .extracting(request -> request.event().get("type").asString())
                    .containsExactly(
                            "dev.userdirectory.UserCreated",
                            "dev.userdirectory.EventsExpired",
                            "dev.userdirectory.UserCreated");
            assertThat(receiver.accepted().getLast().event().get("subject").asString())
                    .isEqualTo(user);
        } finally {
            jdbc.update("update feed_eras set lossy = false");
        }
    }

    /** After a failover, events may be missing, but not those that are kept. */
    @Test
    void receiverGetsWaitingEventsAfterItWasToldOfALoss() {
        Webhooks before = start();
        String sent = directory.createUser();
        awaitDelivered(1);
        before.stop();
        List<String> waiting = List.of(directory.createUser(), directory.createUser());
        jdbc.update("update feed_eras set lossy = true where id = feed_era()");
        try {
            start();
            awaitAccepted(4);
        } finally {
            jdbc.update("update feed_eras set lossy = false");
        }

        assertThat(subjectsOrEmpty()).containsExactly(sent, "", waiting.getFirst(), waiting.getLast());
    }

    private void expire(String reason) {
        switch (reason) {
            case "removed" -> {
                String[] place = FeedCursors.place(cursor()).split(" ", -1);
                directory.createUser();
                jdbc.update(
                        "delete from user_events where (transaction, sequence) >= (?, ?)",
                        Long.valueOf(place[0]),
                        Long.valueOf(place[1]));
                directory.recount();
            }
            // As if the event came from a server whose last commits this one lacks.
            case "lost" -> {
                String[] place = FeedCursors.place(cursor()).split(" ", -1);
                moveTo(cursors.encode("userEvents", place[0], place[1], 1, Long.MAX_VALUE));
            }
            default -> moveTo("\u2026\n");
        }
    }

    private void moveTo(String cursor) {
        jdbc.update("update webhooks set cursor = ? where name = ?", cursor, name);
    }

    @Test
    void continuesWhereAnAdministratorMovesTheCursor() {
        start();
        directory.createUser();
        awaitDelivered(1);
        receiver.behave(exchange -> 500);
        directory.createUser();
        Waiting.until(() -> receiver.requests().size() >= 2);

        moveTo(newestCursor());
        Waiting.until(() -> lag(name) == 0);
        receiver.behave(TestReceiver::accept);
        String user = directory.createUser();

        awaitAccepted(2);
        assertThat(subjects(receiver).getLast()).isEqualTo(user);
    }

    @Test
    void readsThePageOnceIfNothingHasHappened() {
        start();
        directory.createUser();
        awaitAccepted(1);
        directory.settle();
        Waiting.until(() -> lag(name) == 0);
        String last = "select query_start, query from pg_stat_activity where application_name = ?";
        Waiting.until(() -> jdbc.query(last, (row, number) -> row.getString("query"), application(name))
                .getFirst()
                .startsWith("select cursor"));
        Map<String, String> statements = new HashMap<>();

        Waiting.until(() -> {
            jdbc.query(
                    last,
                    row -> {
                        statements.put(row.getString("query_start"), row.getString("query"));
                    },
                    application(name));
            return statements.size() >= 4;
        });

        assertThat(statements)
                .allSatisfy((time, statement) -> assertThat(statement).startsWith("select cursor"));
    }

    /** An alert notices that no instance reports a lag. */
    @Test
    void reportsNoLagUntilItMayWriteItsRow() {
        jdbc.execute("alter table webhooks add constraint nothing check (false) not valid");
        try {
            launch(webhook(name, receiver, Set.of()));
            Waiting.until(() -> locks(name) == 1);
            assertThat(lag(name)).isNaN();
        } finally {
            jdbc.execute("alter table webhooks drop constraint nothing");
        }
        Waiting.until(() -> lag(name) == 0);
    }

    @Test
    void delaysGrowUpToTheirBoundAndRespectRetryAfter() {
        Duration longest = Duration.ofSeconds(60);

        assertThat(Delivery.delay(1, Duration.ZERO, longest)).isBetween(Duration.ofMillis(500), Duration.ofSeconds(1));
        assertThat(Delivery.delay(4, Duration.ZERO, longest)).isBetween(Duration.ofSeconds(4), Duration.ofSeconds(8));
        assertThat(Delivery.delay(1_000_000, Duration.ZERO, longest)).isBetween(Duration.ofSeconds(30), longest);
        assertThat(Delivery.delay(1, Duration.ofSeconds(20), longest)).isEqualTo(Duration.ofSeconds(20));
        assertThat(Delivery.delay(1, Duration.ofHours(20), longest)).isEqualTo(longest);
        assertThat(Delivery.delay(1, Duration.ofSeconds(-20), longest)).isPositive();
    }

    @Test
    void doesNothingWithoutWebhooks() {
        assertThat(start(new Webhook[0]).isRunning()).isFalse();
    }

    /** Waits until the events that follow are delivered, by this instance or by an earlier one. */
    private Webhooks start(Webhook... webhooks) {
        Webhooks instance = launch(webhooks);
        for (Webhook webhook : webhooks) {
            Waiting.until(() -> locks(webhook.name()) == 1 && cursor(webhook.name()) != null);
        }
        return instance;
    }

    private Webhooks launch(Webhook... webhooks) {
        Webhooks instance = new Webhooks(new WebhookProperties(List.of(webhooks)), events, threads, meters);
        instances.add(instance);
        instance.start();
        return instance;
    }

    private Webhooks start() {
        return start(webhook(name, receiver, Set.of()));
    }

    /** One after the other, so that their order is known. */
    private List<String> createUsers(int count) {
        return Stream.generate(directory::createUser).limit(count).toList();
    }

    /** A webhook with the longest timeout: after a late response, the event would be sent again. */
    private static Webhook webhook(String name, TestReceiver receiver, Set<DirectoryEventType> types) {
        return webhook(name, receiver, types, Duration.ofSeconds(30));
    }

    /** A webhook with a short timeout, for a receiver that does not respond. */
    private Webhook impatient() {
        return webhook(name, receiver, Set.of(), Duration.ofSeconds(2));
    }

    private static Webhook webhook(
            String name, TestReceiver receiver, Set<DirectoryEventType> types, Duration timeout) {
        return new Webhook(
                name,
                receiver.url().toString(),
                List.of(SECRET),
                types,
                "user-directory",
                timeout,
                Duration.ofMillis(50));
    }

    private void awaitAccepted(int count) {
        Waiting.until(() -> receiver.accepted().size() >= count);
    }

    /** Also waits until the events will not be sent again. */
    private void awaitDelivered(int count) {
        awaitAccepted(count);
        Waiting.until(() -> lag(name) == 0);
    }

    private static List<String> subjects(TestReceiver receiver) {
        return receiver.accepted().stream()
                .map(request -> request.event().get("subject").asString())
                .toList();
    }

    private double lag(String webhook) {
        return meters.get("directory.webhook.lag")
                .tag("webhook", webhook)
                .timeGauge()
                .value(TimeUnit.SECONDS);
    }

    private String newestCursor() {
        return client.data("{ directoryEvents(first: 0) { newestCursor } }")
                .at("/directoryEvents/newestCursor")
                .asString();
    }

    private static String application(String webhook) {
        return ("user-directory webhook " + webhook);
    }

    private int locks(String webhook) {
        Integer count = jdbc.queryForObject(
                "select count(*) from pg_locks join pg_stat_activity using (pid) where locktype = 'advisory' and granted"
                        + " and application_name = ?",
                Integer.class,
                application(webhook));
        return count == null ? 0 : count;
    }

    /** Null until the webhook has been seen. */
    private @Nullable String cursor(String webhook) {
        return DataAccessUtils.singleResult(
                jdbc.queryForList("select cursor from webhooks where name = ?", String.class, webhook));
    }

    private String cursor() {
        return Objects.requireNonNull(cursor(name));
    }
}
