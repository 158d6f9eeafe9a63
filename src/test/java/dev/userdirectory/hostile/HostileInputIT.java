package dev.userdirectory.hostile;

import static dev.userdirectory.Ports.freePort;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.userdirectory.LocalPostgres;
import dev.userdirectory.ServiceProcess;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.springframework.boot.logging.LogLevel;
import org.springframework.boot.logging.LoggingSystem;
import org.springframework.core.io.ClassPathResource;
import org.springframework.jdbc.core.JdbcTemplate;

/**
 * Runs each of the {@link Attacks} and {@link FeatureAttacks} against the packaged jar, with 200,000 users and the
 * heap of the Kubernetes manifest. Without {@code -Psoak}, the build runs only a few, with fewer users. A process that
 * runs out of memory exits at once, so an attack without a bound fails its test.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class HostileInputIT {
    private static final int USERS = Integer.getInteger("directory.test.users", 200_000);
    /** A regular expression for the names of the attacks to run. */
    private static final String SELECTED = System.getProperty("directory.test.attacks", ".*");

    private static final Duration LIVENESS = Duration.ofSeconds(1);
    private static final Duration ORDINARY = Duration.ofMillis(200);
    private static final long RETAINED = 15L << 20;
    /** Cached responses count as retained until they expire after 30 seconds. */
    private static final Duration SETTLED = Duration.ofSeconds(45);

    private static final HttpClient HTTP =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

    private EmbeddedPostgres postgres;
    private ServiceProcess service;
    private Target target;
    private Probe probe;

    @BeforeAll
    void start() throws Exception {
        LoggingSystem.get(HostileInputIT.class.getClassLoader())
                .setLogLevel(LoggingSystem.ROOT_LOGGER_NAME, LogLevel.WARN);
        postgres = LocalPostgres.embedded().start();
        int management = freePort();
        service = new ServiceProcess(
                List.of(
                        "-Xmx460m",
                        "-XX:+ExitOnOutOfMemoryError",
                        "-jar",
                        ServiceProcess.jar().toString(),
                        "--management.server.port=" + management),
                postgres.getJdbcUrl("postgres", "postgres"),
                Path.of("target", "hostile-input.log"));
        service.awaitFirstAnswer();
        load(new JdbcTemplate(postgres.getPostgresDatabase()));
        target = new Target(service);
        probe = new Probe(URI.create("http://localhost:" + management + "/actuator/health/liveness"));
        // This first round fills the caches, so that the second round shows leaks.
        for (Attack attack : attacks().toList()) {
            restartIfDead();
            attack.run().on(target);
        }
    }

    /** Otherwise an attack that kills the service would fail all later attacks, too. */
    @BeforeEach
    void restartIfDead() throws IOException, InterruptedException {
        if (!service.isAlive()) {
            service.killAndRestart();
        }
    }

    private static void load(JdbcTemplate jdbc) throws IOException {
        String sample = new ClassPathResource("db/sample/million.sql").getContentAsString(StandardCharsets.UTF_8);
        jdbc.execute(sample.replace("generate_series(1, 1000000)", "generate_series(1, " + USERS + ")")
                .replace("users + 1000000", "users + " + USERS));
        jdbc.execute("vacuum analyze");
    }

    static Stream<Attack> attacks() {
        return Stream.concat(Attacks.all().stream(), FeatureAttacks.all().stream())
                .filter(attack -> attack.name().matches(SELECTED));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("attacks")
    void survives(Attack attack) throws Exception {
        long before = liveHeap();

        Duration liveness = livenessDuring(attack);
        // Other processes may slow down the probes once; an attack that starves them does so each time.
        for (int retry = 0; retry < 5 && liveness.compareTo(LIVENESS) >= 0; retry++) {
            liveness = livenessDuring(attack);
        }

        assertThat(service.isAlive()).as("the process is alive").isTrue();
        assertThat(liveness).as("liveness").isLessThan(LIVENESS);
        assertThat(ordinaryRequest()).as("an ordinary request").isLessThan(ORDINARY);
        // The service may still be working on requests that it received during the attack.
        await().atMost(SETTLED)
                .untilAsserted(() -> assertThat(liveHeap() - before)
                        .as("bytes of live heap retained")
                        .isLessThan(RETAINED));
    }

    private Duration livenessDuring(Attack attack) throws Exception {
        probe.reset();
        attack.run().on(target);
        return probe.slowest();
    }

    /** The time of the fastest of a few requests, since this machine may be busy with other work. */
    private Duration ordinaryRequest() throws IOException, InterruptedException {
        Duration fastest = Duration.ofDays(1);
        for (int i = 0; i < 20 && fastest.compareTo(ORDINARY) >= 0; i++) {
            long started = System.nanoTime();
            service.post("{ users(first: 3) { nodes { id name } } }", Map.of());
            Duration taken = Duration.ofNanos(System.nanoTime() - started);
            fastest = taken.compareTo(fastest) < 0 ? taken : fastest;
        }
        return fastest;
    }

    /** The heap in use, in bytes, after a full garbage collection. */
    private long liveHeap() throws IOException, InterruptedException {
        Process jcmd = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "jcmd").toString(),
                        String.valueOf(service.pid()),
                        "GC.class_histogram")
                .redirectErrorStream(true)
                .start();
        String histogram = new String(jcmd.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        jcmd.waitFor();
        String total = histogram
                .lines()
                .filter(line -> line.startsWith("Total"))
                .findFirst()
                .orElseThrow(() -> new IllegalStateException(histogram));
        return Long.parseLong(total.trim().split("\\s+", -1)[2]);
    }

    @AfterAll
    void stop() throws Exception {
        probe.close();
        service.close();
        postgres.close();
    }

    /** Polls liveness as the kubelet does, but more often. */
    private static final class Probe implements AutoCloseable {
        private static final Duration INTERVAL = Duration.ofMillis(50);

        private final HttpRequest request;
        private final AtomicLong slowestNanos = new AtomicLong();
        private volatile long started = System.nanoTime();
        private final Thread thread;

        Probe(URI uri) {
            request =
                    HttpRequest.newBuilder(uri).timeout(Duration.ofSeconds(20)).build();
            thread = Thread.ofPlatform().daemon().start(this::ask);
        }

        private void ask() {
            while (!Thread.interrupted()) {
                started = System.nanoTime();
                try {
                    HttpResponse<Void> response = HTTP.send(request, BodyHandlers.discarding());
                    if (response.statusCode() != 200) {
                        slowestNanos.set(Long.MAX_VALUE);
                    }
                    record();
                    Thread.sleep(INTERVAL);
                } catch (IOException e) {
                    slowestNanos.set(Long.MAX_VALUE);
                } catch (InterruptedException e) {
                    return;
                }
            }
        }

        private void record() {
            slowestNanos.accumulateAndGet(System.nanoTime() - started, Math::max);
        }

        void reset() {
            slowestNanos.set(0);
        }

        /** Includes the request that is still waiting for its response. */
        Duration slowest() {
            record();
            return Duration.ofNanos(slowestNanos.get());
        }

        @Override
        public void close() {
            thread.interrupt();
        }
    }
}
