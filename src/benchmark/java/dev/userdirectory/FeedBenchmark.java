package dev.userdirectory;

import dev.userdirectory.subscription.SocketClient;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * Measures how long an event takes to reach WebSocket subscribers of another instance, and how much heap idle
 * subscribers take:
 *
 * <pre>
 * ./mvnw -q package -DskipTests spring-boot:test-run -Dspring-boot.run.main-class=dev.userdirectory.FeedBenchmark
 * </pre>
 *
 * Two packaged services, one embedded PostgreSQL and the clients run on one machine. Times are measured from just
 * before a mutation is sent to one instance until its event arrives from the other. Fails if the subscribers' instance
 * runs out of heap.
 */
class FeedBenchmark {
    private static final int FAN_OUT = 1000;
    private static final int IDLE = 10_000;
    private static final long MAX_HEAP_MB = 768;
    private static final String LEAN = "subscription { userEvents { cursor type userId } }";
    private static final String FULL = "subscription { userEvents { cursor type user { id name email } } }";

    public static void main(String[] args) throws Exception {
        String jar = args.length == 0 ? ServiceProcess.jar().toString() : args[0];
        int idleSubscribers = Integer.getInteger("directory.benchmark.idle", IDLE);
        try (EmbeddedPostgres postgres = LocalPostgres.embedded().start();
                ServiceProcess writer = new ServiceProcess(
                        List.of("-jar", jar),
                        postgres.getJdbcUrl("postgres", "postgres"),
                        Path.of("target", "feed-writer.log"));
                ServiceProcess reader = new ServiceProcess(
                        List.of(
                                "-Xmx" + MAX_HEAP_MB + "m",
                                "-jar",
                                jar,
                                // All subscribers have the same subject, so the limits per subject are raised, too.
                                "--directory.subscriptions.connections=" + 2 * IDLE,
                                "--directory.subscriptions.connections-per-subject=" + 2 * IDLE,
                                "--directory.subscriptions.operations=" + 2 * IDLE,
                                "--directory.subscriptions.operations-per-subject=" + 2 * IDLE,
                                "--directory.subscriptions.characters-per-subject=" + 1000 * IDLE),
                        postgres.getJdbcUrl("postgres", "postgres"),
                        Path.of("target", "feed-reader.log"))) {
            writer.awaitFirstAnswer();
            reader.awaitFirstAnswer();
            for (int i = 0; i < 300; i++) {
                write(writer);
            }
            System.out.printf(
                    "%n%-50s %10s %10s %10s%n",
                    "From a write to its event elsewhere", "median ms", "99 % ms", "max ms");
            measure(writer, reader, 1, LEAN, 200);
            measure(writer, reader, 1, FULL, 200);
            measure(writer, reader, FAN_OUT, LEAN, 30);
            measure(writer, reader, FAN_OUT, FULL, 30);
            long before = heapAfterCollection(reader);
            List<SocketClient> idle = subscribe(reader, idleSubscribers, LEAN);
            long after = heapAfterCollection(reader);
            System.out.printf(
                    "%n%,d idle subscribers: %d MB of heap after a collection, %d MB without them%n",
                    idleSubscribers, after, before);
            write(writer);
            for (SocketClient socket : idle) {
                socket.expect("next");
            }
            System.out.printf("Each was still served%n");
            idle.forEach(SocketClient::close);
        }
    }

    private static void measure(ServiceProcess writer, ServiceProcess reader, int subscribers, String query, int rounds)
            throws Exception {
        List<SocketClient> sockets = subscribe(reader, subscribers, query);
        long[] times = new long[subscribers * rounds];
        for (int round = -rounds / 2; round < rounds; round++) {
            long start = System.nanoTime();
            write(writer);
            for (int i = 0; i < subscribers; i++) {
                sockets.get(i).expect("next");
                if (round >= 0) {
                    times[round * subscribers + i] = sockets.get(i).lastReceived() - start;
                }
            }
            Thread.sleep(Duration.ofMillis(20));
        }
        sockets.forEach(SocketClient::close);
        Arrays.sort(times);
        System.out.printf(
                "%-50s %10.1f %10.1f %10.1f%n",
                "%,d subscribers%s".formatted(subscribers, query.equals(FULL) ? " who ask for the user" : ""),
                times[times.length / 2] / 1e6,
                times[times.length * 99 / 100] / 1e6,
                times[times.length - 1] / 1e6);
    }

    private static List<SocketClient> subscribe(ServiceProcess reader, int count, String query) throws Exception {
        List<Future<SocketClient>> sockets = new ArrayList<>();
        try (ExecutorService threads = Executors.newFixedThreadPool(16)) {
            for (int i = 0; i < count; i++) {
                sockets.add(threads.submit(() -> {
                    SocketClient socket = SocketClient.connect(reader.graphQl(), reader.token());
                    socket.subscribe("1", query, Map.of());
                    socket.settle();
                    return socket;
                }));
            }
        }
        List<SocketClient> open = new ArrayList<>();
        for (Future<SocketClient> socket : sockets) {
            open.add(socket.get());
        }
        return open;
    }

    private static void write(ServiceProcess writer) throws IOException, InterruptedException {
        writer.post(
                "mutation ($email: String!) { createUser(name: \"Somebody\", email: $email) { user { id } } }",
                Map.of("email", Directory.newEmail()));
    }

    private static long heapAfterCollection(ServiceProcess service) throws IOException, InterruptedException {
        jcmd(service, "GC.run");
        return jcmd(service, "GC.heap_info")
                .lines()
                .filter(line -> line.contains("heap") && line.contains(" used "))
                .map(line -> line.replaceAll(".* used (\\d+)K.*", "$1"))
                .mapToLong(kilobytes -> Long.parseLong(kilobytes) / 1024)
                .findFirst()
                .orElseThrow();
    }

    static String jcmd(ServiceProcess service, String command) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "jcmd").toString(),
                        Long.toString(service.pid()),
                        command)
                .redirectErrorStream(true)
                .start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        process.waitFor();
        return output;
    }
}
