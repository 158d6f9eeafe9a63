package dev.userdirectory.benchmark;

import static dev.userdirectory.StartUp.REFERENCE;

import dev.userdirectory.AotCache;
import dev.userdirectory.LocalPostgres;
import dev.userdirectory.ServiceProcess;
import dev.userdirectory.relay.GlobalId;
import dev.userdirectory.user.User;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.springframework.core.io.ClassPathResource;
import org.springframework.jdbc.core.JdbcTemplate;
import tools.jackson.databind.json.JsonMapper;

/**
 * Measures the throughput in each second of full load after the start, and the memory before and after the load:
 *
 * <pre>
 * ./mvnw -q package -DskipTests -Paot spring-boot:test-run -Dspring-boot.test-run.optimizedLaunch=false \
 *     -Dspring-boot.run.main-class=dev.userdirectory.benchmark.WarmUp
 * </pre>
 *
 * Responses are not cached, so that the whole service has to warm up.
 */
final class WarmUp {
    private static final int CONNECTIONS = 32;
    private static final int SECONDS = 40;
    private static final int FINAL_SECONDS = 10;
    private static final List<Integer> SHOWN = List.of(1, 2, 3, 5, 7, 10, 15, 20, 30, 40);

    private WarmUp() {}

    /** @param args each adds a JVM with the AOT cache and these options, separated by commas */
    public static void main(String[] args) throws Exception {
        Path log = Files.createTempDirectory("warm-up").resolve("service.log");
        Map<String, List<String>> ways = new LinkedHashMap<>();
        ways.put("plain jar", List.of("-jar", ServiceProcess.jar().toString()));
        ways.put("AOT cache", AotCache.JAVA);
        for (String option : args) {
            List<String> java = new ArrayList<>(List.of(option.split(",")));
            java.addAll(AotCache.JAVA);
            ways.put(option, java);
        }
        if (Files.exists(REFERENCE)) {
            ways.put("reference", List.of("-jar", REFERENCE.toString()));
        }
        try (EmbeddedPostgres postgres = LocalPostgres.embedded().start()) {
            String database = postgres.getJdbcUrl("postgres", "postgres");
            JdbcTemplate jdbc = new JdbcTemplate(postgres.getPostgresDatabase());
            printHead();
            for (Map.Entry<String, List<String>> way : ways.entrySet()) {
                List<String> java = new ArrayList<>(List.of("-Xmx256m", "-XX:+UseSerialGC"));
                java.addAll(way.getValue());
                java.add("--directory.cache.enabled=false");
                try (ServiceProcess service = new ServiceProcess(java, database, log)) {
                    print(measure(way.getKey(), service, jdbc));
                }
            }
        }
    }

    private record Curve(String way, Duration start, long before, List<Double> perSecond, long after) {
        double last() {
            return mean(SECONDS - FINAL_SECONDS, SECONDS);
        }

        /**
         * Returns the first second by which the throughput reaches this share of its final value. Averages over three
         * seconds, so that a short pause does not count.
         */
        int secondsUntil(double share) {
            return IntStream.rangeClosed(3, SECONDS)
                    .filter(second -> mean(second - 3, second) >= share * last())
                    .findFirst()
                    .orElse(SECONDS);
        }

        private double mean(int from, int to) {
            return perSecond.subList(from, to).stream()
                    .mapToDouble(Double::doubleValue)
                    .average()
                    .orElseThrow();
        }
    }

    private static Curve measure(String way, ServiceProcess service, JdbcTemplate jdbc)
            throws IOException, InterruptedException {
        Duration start = service.awaitFirstAnswer();
        long before = service.residentBytes() >> 20;
        Supplier<byte[]> bodies = bodies(jdbc);
        List<Double> perSecond = new ArrayList<>();
        for (int i = 0; i < SECONDS; i++) {
            perSecond.add(Load.run(
                            service.graphQl(),
                            service.token(),
                            CONNECTIONS,
                            Duration.ofSeconds(1),
                            bodies,
                            "{\"data\":{\"user")
                    .perSecond());
        }
        return new Curve(way, start, before, perSecond, service.residentBytes() >> 20);
    }

    /** Requests for different users by ID, for a page, and for a page with groups. */
    private static Supplier<byte[]> bodies(JdbcTemplate jdbc) throws IOException {
        if (jdbc.queryForList("select from users limit 1").isEmpty()) {
            String sample = new ClassPathResource("db/sample/million.sql").getContentAsString(StandardCharsets.UTF_8);
            jdbc.execute(sample.replace("generate_series(1, 1000000)", "generate_series(1, 10000)"));
            jdbc.execute("vacuum analyze");
        }
        List<UUID> ids = jdbc.queryForList("select id from users order by md5(email) limit 5000", UUID.class);
        List<byte[]> bodies = new ArrayList<>();
        for (UUID id : ids) {
            bodies.add(body(
                    "query ($id: ID!) { user(id: $id) { id name email } }",
                    Map.of("id", new GlobalId(User.TYPE, id).toString())));
            if (bodies.size() % 6 == 4) {
                bodies.add(body(
                        "{ users(first: 20) { nodes { id name email } pageInfo { endCursor hasNextPage } } }",
                        Map.of()));
                bodies.add(body(
                        "{ users(first: 20) { nodes { id name email groups(first: 5) { nodes { id name } } } } }",
                        Map.of()));
            }
        }
        int[] next = {0};
        return () -> bodies.get(next[0]++ % bodies.size());
    }

    private static byte[] body(String query, Map<String, ?> variables) {
        return JsonMapper.shared().writeValueAsBytes(Map.of("query", query, "variables", variables));
    }

    private static void printHead() {
        System.out.printf("%n%-24s %8s %6s %6s", "", "start ms", "MiB", "after");
        SHOWN.forEach(second -> System.out.printf(" %6s", second + " s"));
        System.out.printf(" %6s %6s%n", "final", "90 %");
    }

    private static void print(Curve curve) {
        System.out.printf("%-24s %8d %6d %6d", curve.way, curve.start.toMillis(), curve.before, curve.after);
        SHOWN.forEach(second -> System.out.printf(" %6.0f", curve.perSecond.get(second - 1)));
        System.out.printf(" %6.0f %4d s%n", curve.last(), curve.secondsUntil(0.9));
    }
}
