package dev.userdirectory;

import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.BufferedReader;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.zip.GZIPInputStream;
import org.springframework.core.io.ClassPathResource;

/**
 * Measures the time and the heap that an export of a million users takes:
 *
 * <pre>
 * ./mvnw -q package -DskipTests spring-boot:test-run -Dspring-boot.run.main-class=dev.userdirectory.ExportBenchmark
 * </pre>
 *
 * The packaged service, an embedded PostgreSQL and the client run on one machine. Fails if an export takes more than a
 * minute or more than 16 MB of heap.
 */
class ExportBenchmark {
    private static final Duration MAX_TIME = Duration.ofMinutes(1);
    private static final long MAX_HEAP = 16_000_000;
    private static final int ROUNDS = 3;

    public static void main(String[] args) throws Exception {
        try (EmbeddedPostgres postgres = LocalPostgres.embedded().start();
                ServiceProcess service = new ServiceProcess(
                        List.of("-Xmx256m", "-jar", ServiceProcess.jar().toString()),
                        postgres.getJdbcUrl("postgres", "postgres"),
                        Path.of("target", "export.log"))) {
            service.awaitFirstAnswer();
            load(postgres);
            for (String encoding : List.of("identity", "gzip")) {
                for (int round = 0; round < ROUNDS; round++) {
                    measure(service, encoding);
                }
            }
            measureHeap(service);
        }
    }

    private static void load(EmbeddedPostgres postgres) throws Exception {
        String sample = new ClassPathResource("db/sample/million.sql").getContentAsString(StandardCharsets.UTF_8);
        try (Connection connection = postgres.getPostgresDatabase().getConnection();
                Statement statement = connection.createStatement()) {
            statement.execute(sample);
            statement.execute("vacuum analyze");
        }
    }

    private static void measure(ServiceProcess service, String encoding) throws Exception {
        long start = System.nanoTime();
        long lines = export(service, encoding);
        Duration took = Duration.ofNanos(System.nanoTime() - start);
        System.out.printf("%-8s %,d lines in %.1f s%n", encoding, lines, took.toMillis() / 1000.0);
        if (took.compareTo(MAX_TIME) > 0) {
            throw new IllegalStateException("The export took too long");
        }
    }

    /** Measured separately from the time, because counting live objects pauses the service. */
    private static void measureHeap(ServiceProcess service) throws Exception {
        long before = liveBytes(service);
        AtomicBoolean running = new AtomicBoolean(true);
        AtomicLong most = new AtomicLong();
        Thread watch = Thread.ofPlatform().start(() -> {
            while (running.get()) {
                try {
                    most.accumulateAndGet(liveBytes(service), Math::max);
                    Thread.sleep(Duration.ofMillis(500));
                } catch (Exception e) {
                    throw new IllegalStateException(e);
                }
            }
        });
        export(service, "identity");
        running.set(false);
        watch.join();
        System.out.printf("live heap: at most %.1f MB, before %.1f MB%n", most.get() / 1e6, before / 1e6);
        if (most.get() - before > MAX_HEAP) {
            throw new IllegalStateException("The export took too much heap");
        }
    }

    /** The histogram counts only reachable objects. */
    private static long liveBytes(ServiceProcess service) throws Exception {
        return FeedBenchmark.jcmd(service, "GC.class_histogram")
                .lines()
                .filter(line -> line.startsWith("Total"))
                .mapToLong(line -> Long.parseLong(line.replaceAll("Total +\\d+ +(\\d+).*", "$1")))
                .findFirst()
                .orElseThrow();
    }

    private static long export(ServiceProcess service, String encoding) throws Exception {
        HttpRequest request = HttpRequest.newBuilder(service.graphQl().resolve("/export"))
                .header("Authorization", "Bearer " + service.token())
                .header("Accept-Encoding", encoding)
                .build();
        InputStream body = HttpClient.newHttpClient()
                .send(request, HttpResponse.BodyHandlers.ofInputStream())
                .body();
        long lines = 0;
        String last = "";
        try (BufferedReader reader = new BufferedReader(new InputStreamReader(
                encoding.equals("gzip") ? new GZIPInputStream(body) : body, StandardCharsets.UTF_8))) {
            for (String line = reader.readLine(); line != null; line = reader.readLine()) {
                lines++;
                last = line;
            }
        }
        if (!last.startsWith("{\"cursor\"")) {
            throw new IllegalStateException("The export is incomplete: " + last);
        }
        return lines;
    }
}
