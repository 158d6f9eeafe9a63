package dev.userdirectory;

import static org.assertj.core.api.Assertions.assertThat;

import dev.userdirectory.event.FeedCursors;
import dev.userdirectory.subscription.EventStreamClient;
import dev.userdirectory.subscription.SocketClient;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.sql.Connection;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.springframework.jdbc.core.JdbcTemplate;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Replaces two instances one after the other, as a Deployment does, while clients write, read and subscribe. An
 * instance first gets no new connections, then {@code SIGTERM}, and is back once it is ready. Connections that clients
 * keep open lead to it until it closes them.
 */
@Soak("replaces instances of the service")
class RollingRestartIT {
    private static final JsonMapper JSON = JsonMapper.shared();
    private static final String CREATE =
            "mutation ($email: String!) { createUser(name: \"Somebody\", email: $email) { user { id } } }";
    private static final String READ = "{ users(last: 3) { nodes { name groups(first: 3) { nodes { name } } } } }";
    private static final String RENAME =
            "mutation ($id: ID!) { updateUser(id: $id, name: \"Slow\") { user { name } } }";
    private static final String FEED =
            "subscription ($after: String) { userEvents(after: $after) { cursor type userId } }";

    private final AtomicBoolean running = new AtomicBoolean(true);
    private final AtomicInteger answered = new AtomicInteger();
    private final ConcurrentLinkedQueue<String> failures = new ConcurrentLinkedQueue<>();
    private final Set<String> acknowledged = ConcurrentHashMap.newKeySet();
    private final List<String> seen = new CopyOnWriteArrayList<>();
    private final List<String> seenUsers = new CopyOnWriteArrayList<>();

    @Test
    void failsNoRequestAndLosesNoEvent() throws Exception {
        try (EmbeddedPostgres postgres = LocalPostgres.embedded().start()) {
            String url = postgres.getJdbcUrl("postgres", "postgres");
            JdbcTemplate database = new JdbcTemplate(postgres.getPostgresDatabase());
            try (ServiceProcess first = ServiceProcess.ofJar("rolling-1", url);
                    ServiceProcess second = ServiceProcess.ofJar("rolling-2", url);
                    Service service = new Service(first, second)) {
                first.awaitFirstAnswer();
                second.awaitFirstAnswer();
                String slow = post(HttpClient.newHttpClient(), service, first.token(), CREATE, newEmail())
                        .at("/data/createUser/user/id")
                        .asString();
                String start = feed(second, null).getFirst();
                acknowledged.clear();
                List<Thread> load = new ArrayList<>();
                for (int i = 0; i < 8; i++) {
                    load.add(Thread.ofVirtual().start(() -> request(service, first.token())));
                }
                Thread subscriber = Thread.ofVirtual().start(() -> subscribe(service, first.token(), start));

                for (ServiceProcess instance : List.of(first, second)) {
                    Thread.sleep(Duration.ofSeconds(2));
                    service.remove(instance);
                    // The preStop pause of a pod.
                    Thread.sleep(Duration.ofMillis(500));
                    CompletableFuture<JsonNode> underWay;
                    try (Connection lock = postgres.getPostgresDatabase().getConnection();
                            SocketClient socket = SocketClient.connect(instance.graphQl(), instance.token())) {
                        socket.subscribe("1", FEED, Map.of());
                        socket.settle();
                        lock.setAutoCommit(false);
                        lock.createStatement().execute("select * from users for update");
                        underWay =
                                CompletableFuture.supplyAsync(() -> rename(instance, slow), Thread::startVirtualThread);
                        Waiting.until(() -> !database.queryForList(
                                        "select from pg_stat_activity where wait_event_type = 'Lock'")
                                .isEmpty());
                        instance.terminate();
                        assertThat(socket.closed().code()).as("reconnect later").isEqualTo(1012);
                        Thread.sleep(Duration.ofMillis(700));
                    }
                    assertThat(underWay.join().at("/data/updateUser/user/name").asString())
                            .as("of a request that was under way")
                            .isEqualTo("Slow");
                    instance.restart();
                    service.add(instance);
                }
                Thread.sleep(Duration.ofSeconds(2));
                running.set(false);
                for (Thread thread : load) {
                    thread.join();
                }
                List<String> feed =
                        feed(second, start).stream().map(FeedCursors::place).toList();
                Waiting.until(() -> seen.size() >= feed.size());
                subscriber.interrupt();
                subscriber.join();

                assertThat(failures).isEmpty();
                assertThat(answered).hasValueGreaterThan(200);
                assertThat(service.connections.values())
                        .as("Connections of each")
                        .allMatch(count -> count.get() > 1);
                assertThat(seen).isEqualTo(feed).doesNotHaveDuplicates();
                assertThat(seenUsers).containsAll(acknowledged);
                assertThat(database.queryForObject("select count(*) from users", Integer.class))
                        .isEqualTo(acknowledged.size() + 1);
            }
        }
    }

    /** A client that keeps its connection open, and never repeats a request. */
    private void request(Service service, String token) {
        try (HttpClient client =
                HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build()) {
            while (running.get()) {
                try {
                    JsonNode response = post(client, service, token, CREATE, newEmail());
                    acknowledged.add(response.at("/data/createUser/user/id").asString());
                    post(client, service, token, READ, Map.of());
                    Thread.sleep(ThreadLocalRandom.current().nextInt(40));
                } catch (IOException | IllegalStateException e) {
                    failures.add(e.toString());
                } catch (InterruptedException e) {
                    return;
                }
            }
        }
    }

    private static Map<String, ?> newEmail() {
        return Map.of("email", Directory.newEmail());
    }

    private JsonNode post(HttpClient client, Service service, String token, String document, Map<String, ?> variables)
            throws IOException, InterruptedException {
        HttpResponse<String> response = client.send(
                HttpRequest.newBuilder(service.graphQl())
                        .header("Content-Type", "application/json")
                        .header("Authorization", "Bearer " + token)
                        .POST(BodyPublishers.ofString(
                                JSON.writeValueAsString(Map.of("query", document, "variables", variables))))
                        .build(),
                BodyHandlers.ofString());
        if (response.statusCode() != 200 || response.body().contains("\"errors\":[{")) {
            throw new IllegalStateException(response.statusCode() + " " + response.body());
        }
        answered.incrementAndGet();
        return JSON.readTree(response.body());
    }

    private static JsonNode rename(ServiceProcess instance, String id) {
        try {
            return instance.post(RENAME, Map.of("id", id));
        } catch (IOException | InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Reconnects whenever its stream ends, with the ID of the last event. */
    private void subscribe(Service service, String token, String start) {
        String last = start;
        while (!Thread.currentThread().isInterrupted()) {
            try (EventStreamClient stream =
                    new EventStreamClient(service.graphQl(), token, FEED, Map.of("after", start), last)) {
                EventStreamClient.Event event = stream.poll(20_000);
                while (event != null && event.type().equals("next")) {
                    if (event.id() == null) {
                        failures.add("subscription: " + event.data());
                        return;
                    }
                    last = event.data().at("/data/userEvents/cursor").asString();
                    seen.add(FeedCursors.place(last));
                    seenUsers.add(event.data().at("/data/userEvents/userId").asString());
                    event = stream.poll(20_000);
                }
            } catch (IOException e) {
                failures.add("subscription: " + e);
            } catch (InterruptedException e) {
                return;
            }
        }
    }

    private static List<String> feed(ServiceProcess service, @Nullable String after)
            throws IOException, InterruptedException {
        List<String> cursors = new ArrayList<>();
        while (true) {
            String from = cursors.isEmpty() ? after : cursors.getLast();
            List<String> page = service.post(
                            "query ($after: String) { userEvents(first: 100, after: $after) { edges { cursor } } }",
                            from == null ? Map.of() : Map.of("after", from))
                    .at("/data/userEvents/edges")
                    .findValuesAsString("cursor");
            if (page.isEmpty()) {
                return cursors;
            }
            cursors.addAll(page);
        }
    }

    /** Like a Kubernetes Service, sends each new connection to the next ready instance, where it stays. */
    private static class Service implements AutoCloseable {
        private final ServerSocket server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        private final List<ServiceProcess> ready;
        private final AtomicInteger next = new AtomicInteger();
        final Map<ServiceProcess, AtomicInteger> connections = new ConcurrentHashMap<>();

        Service(ServiceProcess... instances) throws IOException {
            ready = new CopyOnWriteArrayList<>(instances);
            Thread.startVirtualThread(this::accept);
        }

        URI graphQl() {
            return URI.create("http://localhost:" + server.getLocalPort() + "/graphql");
        }

        void remove(ServiceProcess instance) {
            ready.remove(instance);
        }

        void add(ServiceProcess instance) {
            ready.add(instance);
        }

        private void accept() {
            try {
                while (true) {
                    Socket client = server.accept();
                    List<ServiceProcess> choice = List.copyOf(ready);
                    ServiceProcess instance = choice.get(next.getAndIncrement() % choice.size());
                    connections
                            .computeIfAbsent(instance, it -> new AtomicInteger())
                            .incrementAndGet();
                    Socket target = new Socket();
                    target.connect(new InetSocketAddress(
                            "localhost", instance.graphQl().getPort()));
                    Thread.startVirtualThread(() -> forward(client, target));
                    Thread.startVirtualThread(() -> forward(target, client));
                }
            } catch (IOException e) {
                // closed
            }
        }

        private static void forward(Socket from, Socket to) {
            try (from;
                    to;
                    InputStream in = from.getInputStream();
                    OutputStream out = to.getOutputStream()) {
                in.transferTo(out);
            } catch (IOException e) {
                // closed
            }
        }

        @Override
        public void close() throws IOException {
            server.close();
        }
    }
}
