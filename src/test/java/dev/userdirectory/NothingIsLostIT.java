package dev.userdirectory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.userdirectory.event.FeedCursors;
import dev.userdirectory.relay.GlobalId;
import dev.userdirectory.relay.NodeType;
import dev.userdirectory.subscription.EventStreamClient;
import dev.userdirectory.subscription.SocketClient;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.boot.logging.LogLevel;
import org.springframework.boot.logging.LoggingSystem;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.jdbc.datasource.DriverManagerDataSource;
import tools.jackson.databind.JsonNode;

/**
 * Two instances of the packaged service on one database. Eight writers whose transactions are open for a while and end out
 * of order, and four that write through the first instance; subscribers on the second, which are cut off again and again.
 * Meanwhile PostgreSQL is killed and restarted, and so is the instance that writes. At last the other is told to end.
 * {@code -Ddirectory.test.soak=600} goes on for ten minutes.
 */
class NothingIsLostIT {
    private static final Duration TIME = Duration.ofSeconds(Integer.getInteger("directory.test.soak", 24));
    private static final int MIN_CUTS = 100;
    private static final Duration PATIENCE = Duration.ofMinutes(2);
    private static final String FEED =
            "subscription ($after: String) { userEvents(after: $after) { cursor type userId } }";

    private final AtomicBoolean writing = new AtomicBoolean(true);
    private final AtomicInteger failedWrites = new AtomicInteger();
    /** Users whose creation was acknowledged: their IDs in the API, and in the database. */
    private final Set<String> acknowledged = ConcurrentHashMap.newKeySet();

    private final Set<UUID> committed = ConcurrentHashMap.newKeySet();

    @TempDir
    Path folder;

    /** No application context of this JVM does it. */
    @BeforeAll
    static void logOnlyWhatIsAmiss() {
        LoggingSystem.get(NothingIsLostIT.class.getClassLoader())
                .setLogLevel(LoggingSystem.ROOT_LOGGER_NAME, LogLevel.WARN);
    }

    @Test
    void everySubscriberSeesEveryEventOnce() throws Exception {
        int port = freePort();
        EmbeddedPostgres postgres = startPostgres(port);
        String url = postgres.getJdbcUrl("postgres", "postgres");
        try (ServiceProcess writer = startService("writer", url);
                ServiceProcess reader = startService("reader", url)) {
            writer.awaitFirstAnswer();
            reader.awaitFirstAnswer();
            create(writer);
            acknowledged.clear();
            String start = page(reader, null).getFirst();
            List<Subscriber> subscribers =
                    List.of(new SocketSubscriber(reader, start), new StreamSubscriber(reader, start));
            List<Thread> threads = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                threads.add(Thread.ofVirtual().start(() -> write(() -> create(writer))));
            }
            for (int i = 0; i < 8; i++) {
                threads.add(Thread.ofVirtual().start(() -> write(() -> createLate(url))));
            }
            subscribers.forEach(subscriber -> threads.add(Thread.ofVirtual().start(subscriber)));

            Thread.sleep(TIME.dividedBy(3));
            killPostgres();
            postgres.close();
            postgres = startPostgres(port);
            Thread.sleep(TIME.dividedBy(3));
            writer.killAndRestart();
            Thread.sleep(TIME.dividedBy(3));
            await().atMost(PATIENCE)
                    .until(() -> subscribers.stream().allMatch(subscriber -> subscriber.cuts.get() >= MIN_CUTS));
            writing.set(false);
            Thread.sleep(Duration.ofSeconds(1));
            List<String> feed = feed(reader, start);
            for (Subscriber subscriber : subscribers) {
                subscriber.target = feed.size();
            }
            for (Thread thread : threads) {
                assertThat(thread.join(PATIENCE)).isTrue();
            }
            JdbcTemplate jdbc = new JdbcTemplate(new DriverManagerDataSource(url, "postgres", "postgres"));
            List<String> table = jdbc.query(
                    "select type, user_id from user_events order by transaction, sequence offset 1",
                    (row, number) -> row.getString("type") + " "
                            + new GlobalId(NodeType.USER, row.getObject("user_id", UUID.class)));

            for (Subscriber subscriber : subscribers) {
                System.out.printf(
                        "%s: %d events over %d connections%n",
                        subscriber.getClass().getSimpleName(), subscriber.cursors.size(), subscriber.cuts.get());
                assertThat(subscriber.cuts.get()).isGreaterThanOrEqualTo(MIN_CUTS);
                assertThat(subscriber.cursors)
                        .as("Events seen; otherwise %s", subscriber.otherwise)
                        .isEqualTo(feed);
                assertThat(subscriber.events).isEqualTo(table);
            }
            assertThat(feed).doesNotHaveDuplicates();
            List<UUID> created =
                    jdbc.queryForList("select user_id from user_events where type = 'CREATED'", UUID.class);
            assertThat(created).doesNotHaveDuplicates().containsAll(committed);
            assertThat(subscribers.getFirst().created).containsAll(acknowledged);
            assertThat(failedWrites).hasPositiveValue();
            System.out.printf(
                    "%d and %d acknowledged writes, %d that failed%n",
                    acknowledged.size(), committed.size(), failedWrites.get());
            assertThatItTellsSubscribersToComeBackWhenItEnds(reader);
        } finally {
            postgres.close();
        }
    }

    private static void assertThatItTellsSubscribersToComeBackWhenItEnds(ServiceProcess service)
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

    private static ServiceProcess startService(String name, String url) throws IOException {
        return new ServiceProcess(
                List.of("-Xmx256m", "-jar", ServiceProcess.jar().toString()), url, Path.of("target", name + ".log"));
    }

    private EmbeddedPostgres startPostgres(int port) throws IOException {
        // Embedded servers are set up not to keep what is theirs: here it is PostgreSQL's own defaults that count.
        return LocalPostgres.embedded()
                .setServerConfig("fsync", "on")
                .setServerConfig("synchronous_commit", "on")
                .setServerConfig("full_page_writes", "on")
                .setPort(port)
                // It recovers from being killed, on a busy machine.
                .setPGStartupWait(Duration.ofMinutes(1))
                .setDataDirectory(folder.resolve("postgres"))
                .setCleanDataDirectory(false)
                .start();
    }

    /** All its processes, so that none of them holds on to the shared memory of a server that is gone. */
    private void killPostgres() throws IOException, InterruptedException {
        ProcessHandle server = ProcessHandle.of(
                        Long.parseLong(Files.readAllLines(folder.resolve("postgres/postmaster.pid"))
                                .getFirst()
                                .strip()))
                .orElseThrow();
        List<ProcessHandle> children = server.children().toList();
        server.destroyForcibly();
        children.forEach(ProcessHandle::destroyForcibly);
        server.onExit().join();
        for (ProcessHandle child : children) {
            while (child.isAlive()) {
                Thread.sleep(Duration.ofMillis(10));
            }
        }
        Files.delete(folder.resolve("postgres/postmaster.pid"));
    }

    private interface Write {
        void run() throws Exception;
    }

    private void write(Write write) {
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

    /** Takes its place in line, and then its time. */
    private void createLate(String url) throws SQLException, InterruptedException {
        UUID id = UUID.randomUUID();
        try (Connection connection = DriverManager.getConnection(url, "postgres", "postgres");
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

    /** Notes what it sees, and goes on from there after each cut. */
    private abstract static class Subscriber implements Runnable {
        final ServiceProcess service;
        final List<String> cursors = new ArrayList<>();
        /** The type and the user of each. */
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

        /** What else came; the database or the service may well have been away. */
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

    /** Sends the same operation each time, and the ID of the last event. */
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

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0)) {
            return socket.getLocalPort();
        }
    }
}
