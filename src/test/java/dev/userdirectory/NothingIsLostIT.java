package dev.userdirectory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.userdirectory.event.FeedCursors;
import dev.userdirectory.relay.GlobalId;
import dev.userdirectory.subscription.EventStreamClient;
import dev.userdirectory.subscription.SocketClient;
import dev.userdirectory.user.User;
import java.io.IOException;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.springframework.boot.logging.LogLevel;
import org.springframework.boot.logging.LoggingSystem;
import tools.jackson.databind.JsonNode;

/**
 * Two instances of the packaged service share one database. Eight writers hold transactions open and end them out of
 * order, four write through the first instance, and the second one's subscribers are disconnected again and again.
 * Meanwhile PostgreSQL and the first instance are killed and restarted. At the end the second instance is terminated.
 * {@code -Ddirectory.test.soak=600} runs the test for ten minutes.
 */
class NothingIsLostIT {
    private static final Duration TIME = Duration.ofSeconds(Integer.getInteger("directory.test.soak", 6));
    private static final int MIN_CUTS = 100;
    private static final Duration PATIENCE = Duration.ofMinutes(2);
    private static final String FEED =
            "subscription ($after: String) { userEvents(after: $after) { cursor type userId } }";

    private final PostgresServer postgres = new PostgresServer();
    private final List<Subscriber> subscribers = new ArrayList<>();
    private final List<Thread> writers = new ArrayList<>();
    private final List<Thread> following = new ArrayList<>();
    private final AtomicBoolean writing = new AtomicBoolean(true);
    private final AtomicInteger failedWrites = new AtomicInteger();
    /** Users whose creation was acknowledged: their IDs in the API, and in the database. */
    private final Set<String> acknowledged = ConcurrentHashMap.newKeySet();

    private final Set<UUID> committed = ConcurrentHashMap.newKeySet();
    private String start = "";

    /** This JVM has no application context that would configure logging. */
    @BeforeAll
    static void logOnlyWarnings() {
        LoggingSystem.get(NothingIsLostIT.class.getClassLoader())
                .setLogLevel(LoggingSystem.ROOT_LOGGER_NAME, LogLevel.WARN);
    }

    @Test
    void everySubscriberSeesEveryEventOnce() throws Exception {
        try (ServiceProcess writer = ServiceProcess.ofJar("writer", url());
                ServiceProcess reader = ServiceProcess.ofJar("reader", url())) {
            subscribe(writer, reader);
            write(writer);
            killPostgres();
            kill(writer);
            List<String> feed = stopWriting(reader);
            assertThatNothingIsLost(feed);
            assertThatSubscribersAreToldToComeBack(reader);
        }
    }

    private void subscribe(ServiceProcess writer, ServiceProcess reader) throws Exception {
        writer.awaitFirstAnswer();
        reader.awaitFirstAnswer();
        create(writer);
        acknowledged.clear();
        start = page(reader, null).getFirst();
        subscribers.addAll(List.of(new SocketSubscriber(reader, start), new StreamSubscriber(reader, start)));
        subscribers.forEach(subscriber -> following.add(Thread.ofVirtual().start(subscriber)));
    }

    private void write(ServiceProcess service) throws InterruptedException {
        for (int i = 0; i < 4; i++) {
            writers.add(Thread.ofVirtual().start(() -> repeat(() -> create(service))));
        }
        for (int i = 0; i < 8; i++) {
            writers.add(Thread.ofVirtual().start(() -> repeat(this::createLate)));
        }
        Thread.sleep(TIME.dividedBy(3));
    }

    private void killPostgres() throws Exception {
        postgres.killAndRestart();
        Thread.sleep(TIME.dividedBy(3));
    }

    private void kill(ServiceProcess service) throws Exception {
        service.killAndRestart();
        Thread.sleep(TIME.dividedBy(3));
        await().atMost(PATIENCE)
                .until(() -> subscribers.stream().allMatch(subscriber -> subscriber.cuts.get() >= MIN_CUTS));
    }

    /** Stops the writers, and returns the whole feed once no open transaction can add to it. */
    private List<String> stopWriting(ServiceProcess reader) throws Exception {
        writing.set(false);
        for (Thread writer : writers) {
            assertThat(writer.join(PATIENCE)).isTrue();
        }
        List<String> feed =
                await().atMost(PATIENCE).until(() -> feed(reader, start), all -> all.size() == table().size());
        for (Subscriber subscriber : subscribers) {
            subscriber.target = feed.size();
        }
        for (Thread each : following) {
            assertThat(each.join(PATIENCE)).isTrue();
        }
        return feed;
    }

    private void assertThatNothingIsLost(List<String> feed) {
        for (Subscriber subscriber : subscribers) {
            System.out.printf(
                    "%s: %d events over %d connections%n",
                    subscriber.getClass().getSimpleName(), subscriber.cursors.size(), subscriber.cuts.get());
            assertThat(subscriber.cuts.get()).isGreaterThanOrEqualTo(MIN_CUTS);
            assertThat(subscriber.cursors)
                    .as("Events seen; otherwise %s", subscriber.otherwise)
                    .isEqualTo(feed);
            assertThat(subscriber.events).isEqualTo(table());
        }
        assertThat(feed).doesNotHaveDuplicates();
        List<UUID> created =
                postgres.jdbc().queryForList("select user_id from user_events where type = 'CREATED'", UUID.class);
        assertThat(created).doesNotHaveDuplicates().containsAll(committed);
        assertThat(subscribers.getFirst().created).containsAll(acknowledged);
        assertThat(failedWrites).hasPositiveValue();
        System.out.printf(
                "%d and %d acknowledged writes, %d that failed%n",
                acknowledged.size(), committed.size(), failedWrites.get());
    }

    /** The types and users of all events but the first, in the order of the feed. */
    private List<String> table() {
        return postgres.jdbc()
                .query(
                        "select type, user_id from user_events order by transaction, sequence offset 1",
                        (row, number) -> row.getString("type") + " "
                                + new GlobalId(User.TYPE, row.getObject("user_id", UUID.class)));
    }

    private static void assertThatSubscribersAreToldToComeBack(ServiceProcess service)
            throws IOException, InterruptedException {
        List<SocketClient> sockets = new ArrayList<>();
        try (EventStreamClient stream =
                new EventStreamClient(service.graphQl(), service.token(), FEED, Map.of(), null)) {
            for (int i = 0; i < 100; i++) {
                SocketClient socket = SocketClient.connect(service.graphQl(), service.token());
                sockets.add(socket);
                socket.subscribe("1", FEED, Map.of());
                socket.settle();
            }
            service.close();

            assertThat(sockets).extracting(socket -> socket.closed().code()).containsOnly(1012);
            stream.expect("end");
        } finally {
            sockets.forEach(SocketClient::close);
        }
    }

    private String url() {
        return Objects.requireNonNull(postgres.details().getJdbcUrl());
    }

    private interface Write {
        void run() throws Exception;
    }

    private void repeat(Write write) {
        while (writing.get()) {
            try {
                write.run();
                Thread.sleep(ThreadLocalRandom.current().nextInt(20));
            } catch (Exception e) {
                failedWrites.incrementAndGet();
                pause(100);
            }
        }
    }

    private void create(ServiceProcess service) throws IOException, InterruptedException {
        acknowledged.add(service.post(
                        "mutation ($email: String!) { createUser(name: \"Somebody\", email: $email) { user { id } } }",
                        Map.of("email", Directory.newEmail()))
                .at("/data/createUser/user/id")
                .asString());
    }

    /** Inserts a user, which determines its place in the feed, and ends the transaction some time later. */
    private void createLate() throws SQLException, InterruptedException {
        UUID id = UUID.randomUUID();
        try (Connection connection = postgres.connect();
                Statement statement = connection.createStatement()) {
            connection.setAutoCommit(false);
            statement.execute("insert into users (id, name, email, active, created_at, updated_at, version) values ('"
                    + id + "', 'Late', '" + id + "@example.com', true, now(), now(), 0)");
            Thread.sleep(ThreadLocalRandom.current().nextInt(100));
            if (ThreadLocalRandom.current().nextInt(10) == 0) {
                connection.rollback();
                return;
            }
            connection.commit();
            committed.add(id);
        }
    }

    private static List<String> feed(ServiceProcess service, String start) throws IOException, InterruptedException {
        List<String> cursors = new ArrayList<>();
        for (List<String> page = page(service, start); !page.isEmpty(); page = page(service, cursors.getLast())) {
            cursors.addAll(page);
        }
        return cursors.stream().map(FeedCursors::place).toList();
    }

    private static List<String> page(ServiceProcess service, @Nullable String after)
            throws IOException, InterruptedException {
        return service.post(
                        "query ($after: String) { userEvents(first: 100, after: $after) { edges { cursor } } }",
                        after == null ? Map.of() : Map.of("after", after))
                .at("/data/userEvents/edges")
                .findValuesAsString("cursor");
    }

    /** Records the events that it receives, and resumes after each disconnect. */
    private abstract static class Subscriber implements Runnable {
        final ServiceProcess service;
        final List<String> cursors = new ArrayList<>();
        /** The type and the user of each event. */
        final List<String> events = new ArrayList<>();

        final Set<String> created = ConcurrentHashMap.newKeySet();
        volatile String last;
        final Map<String, String> otherwise = new ConcurrentHashMap<>();
        final AtomicInteger cuts = new AtomicInteger();
        volatile int target = Integer.MAX_VALUE;

        Subscriber(ServiceProcess service, String start) {
            this.service = service;
            this.last = start;
        }

        @Override
        public void run() {
            Instant giveUp = Instant.MAX;
            while (cursors.size() < target && Instant.now().isBefore(giveUp)) {
                long cut = System.nanoTime()
                        + Duration.ofMillis(ThreadLocalRandom.current().nextInt(5, 250))
                                .toNanos();
                try {
                    follow(cut);
                } catch (Exception | AssertionError e) {
                    note(String.valueOf(e.getMessage()));
                    pause(50);
                }
                cuts.incrementAndGet();
                if (target < Integer.MAX_VALUE && giveUp.equals(Instant.MAX)) {
                    giveUp = Instant.now().plus(PATIENCE.dividedBy(2));
                }
            }
        }

        abstract void follow(long cut) throws Exception;

        void see(JsonNode event) {
            last = event.get("cursor").asString();
            cursors.add(FeedCursors.place(last));
            String type = event.get("type").asString();
            String user = event.get("userId").asString();
            events.add(type + " " + user);
            if (type.equals("CREATED")) {
                created.add(user);
            }
        }

        /** Records any other message; the database or the service may have been unavailable. */
        void note(String answer) {
            otherwise.put(answer.replaceAll("[0-9a-f-]{36}", "…"), last);
        }

        static boolean before(long time) {
            return System.nanoTime() < time;
        }
    }

    private static final class SocketSubscriber extends Subscriber {
        SocketSubscriber(ServiceProcess service, String start) {
            super(service, start);
        }

        @Override
        void follow(long cut) {
            try (SocketClient socket = SocketClient.connect(service.graphQl(), service.token())) {
                socket.subscribe("1", FEED, Map.of("after", last));
                while (before(cut)) {
                    JsonNode message = socket.poll(Duration.ofMillis(5));
                    if (message != null && !message.get("type").asString().equals("next")) {
                        note(message.toString());
                        return;
                    }
                    if (message != null) {
                        see(message.at("/payload/data/userEvents"));
                    }
                }
            }
        }
    }

    /** Repeats the same operation each time, with the ID of the last event. */
    private static final class StreamSubscriber extends Subscriber {
        private final String start;

        StreamSubscriber(ServiceProcess service, String start) {
            super(service, start);
            this.start = start;
        }

        @Override
        void follow(long cut) throws IOException, InterruptedException {
            try (EventStreamClient stream =
                    new EventStreamClient(service.graphQl(), service.token(), FEED, Map.of("after", start), last)) {
                while (before(cut)) {
                    EventStreamClient.Event event = stream.poll(5);
                    if (event != null
                            && (!event.type().equals("next") || event.data().has("errors"))) {
                        note(event.toString());
                        return;
                    }
                    if (event != null) {
                        see(event.data().at("/data/userEvents"));
                    }
                }
            }
        }
    }

    private static void pause(long millis) {
        try {
            Thread.sleep(millis);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
