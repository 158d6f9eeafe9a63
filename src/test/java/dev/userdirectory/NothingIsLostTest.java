package dev.userdirectory;

import static org.assertj.core.api.Assertions.assertThat;

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
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.jdbc.datasource.DriverManagerDataSource;
import tools.jackson.databind.JsonNode;

/**
 * Two instances on one database. Eight writers, half of them through the first instance, half with transactions that are
 * open for a while and end out of order; subscribers on the second, which are cut off again and again. Meanwhile PostgreSQL
 * is killed and restarted, and so is the instance that writes. {@code -Ddirectory.test.soak=600} goes on for ten minutes;
 * {@code -Ddirectory.test.jar=…} takes the packaged service.
 */
class NothingIsLostTest {
    private static final Duration TIME = Duration.ofSeconds(Integer.getInteger("directory.test.soak", 24));
    private static final int MIN_CUTS = 100;
    private static final String FEED =
            "subscription ($after: String) { userEvents(after: $after) { cursor type userId } }";

    private final AtomicBoolean writing = new AtomicBoolean(true);
    private final AtomicInteger failedWrites = new AtomicInteger();
    /** Users whose creation was acknowledged: their IDs in the API, and in the database. */
    private final Set<String> acknowledged = ConcurrentHashMap.newKeySet();

    private final Set<UUID> committed = ConcurrentHashMap.newKeySet();

    @TempDir
    Path folder;

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
            while (subscribers.stream().anyMatch(subscriber -> subscriber.cuts.get() < MIN_CUTS)) {
                Thread.sleep(Duration.ofMillis(100));
            }
            writing.set(false);
            Thread.sleep(Duration.ofSeconds(1));
            List<String> feed = feed(reader, start);
            for (Subscriber subscriber : subscribers) {
                subscriber.target = feed.size();
            }
            for (Thread thread : threads) {
                assertThat(thread.join(Duration.ofSeconds(60))).isTrue();
            }
            JdbcTemplate jdbc = new JdbcTemplate(new DriverManagerDataSource(url, "postgres", "postgres"));

            for (Subscriber subscriber : subscribers) {
                System.out.printf(
                        "%s: %d events over %d connections%n",
                        subscriber.getClass().getSimpleName(), subscriber.cursors.size(), subscriber.cuts.get());
                assertThat(subscriber.cuts.get()).isGreaterThanOrEqualTo(MIN_CUTS);
                assertThat(subscriber.cursors)
                        .as("Events seen; otherwise %s", subscriber.otherwise)
                        .isEqualTo(feed);
            }
            assertThat(feed).doesNotHaveDuplicates();
            assertThat(jdbc.queryForObject("select count(*) from user_events", Integer.class))
                    .isEqualTo(feed.size() + 1);
            List<UUID> created =
                    jdbc.queryForList("select user_id from user_events where type = 'CREATED'", UUID.class);
            assertThat(created).doesNotHaveDuplicates().containsAll(committed);
            assertThat(subscribers.getFirst().created).containsAll(acknowledged);
            assertThat(failedWrites).hasPositiveValue();
            System.out.printf(
                    "%d and %d acknowledged writes, %d that failed%n",
                    acknowledged.size(), committed.size(), failedWrites.get());
        } finally {
            postgres.close();
        }
    }

    /** What the tests are compiled with, or the packaged one. */
    private static ServiceProcess startService(String name, String url) throws IOException {
        String jar = System.getProperty("directory.test.jar");
        List<String> java = new ArrayList<>(List.of("-Xmx256m"));
        java.addAll(
                jar != null
                        ? List.of("-jar", jar)
                        : List.of(
                                "-cp",
                                System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")),
                                UserDirectoryApplication.class.getName()));
        return new ServiceProcess(java, url, Path.of("target", name + ".log"));
    }

    private EmbeddedPostgres startPostgres(int port) throws IOException {
        // Embedded servers are set up not to keep what is theirs: here it is PostgreSQL's own defaults that count.
        return LocalPostgres.embedded()
                .setServerConfig("fsync", "on")
                .setServerConfig("synchronous_commit", "on")
                .setServerConfig("full_page_writes", "on")
                .setPort(port)
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
        return cursors;
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
                } catch (Exception e) {
                    pause(50);
                }
                cuts.incrementAndGet();
                if (target < Integer.MAX_VALUE && giveUp.equals(Instant.MAX)) {
                    giveUp = Instant.now().plusSeconds(40);
                }
            }
        }

        abstract void follow(long cut) throws Exception;

        void see(JsonNode event) {
            last = event.get("cursor").asString();
            cursors.add(last);
            if (event.get("type").asString().equals("CREATED")) {
                created.add(event.get("userId").asString());
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
