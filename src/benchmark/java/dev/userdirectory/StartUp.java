package dev.userdirectory;

import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * How long the service takes from {@code java -jar} to its first answered query, and how much memory it then has, as the
 * plain jar, as the extracted one, and with an AOT cache (JEP 483, 514 and 515), in turns with the reference if that has
 * been built:
 *
 * <pre>
 * ./mvnw -q -f src/benchmark/reference package
 * ./mvnw -q package -DskipTests -Paot spring-boot:test-run -Dspring-boot.run.main-class=dev.userdirectory.StartUp
 * </pre>
 */
public class StartUp {
    /** A plain Spring for GraphQL server with the same tables and queries. */
    public static final Path REFERENCE = Path.of("src/benchmark/reference/target/reference.jar");

    private static final int ROUNDS = 5;

    private StartUp() {}

    public static void main(String[] args) throws Exception {
        Path work = Files.createTempDirectory("start-up");
        try (EmbeddedPostgres postgres = LocalPostgres.embedded().start()) {
            String database = postgres.getJdbcUrl("postgres", "postgres");
            Map<String, List<String>> ways = new LinkedHashMap<>();
            ways.put("plain jar", List.of("-jar", ServiceProcess.jar().toString()));
            ways.put("extracted jar", List.of("-jar", AotCache.JAR.toString()));
            ways.put("AOT cache", AotCache.JAVA);
            if (Files.exists(REFERENCE)) {
                ways.put("reference", List.of("-jar", REFERENCE.toString()));
            }
            compare(ways, database, work);
        }
    }

    private static void compare(Map<String, List<String>> ways, String database, Path work)
            throws IOException, InterruptedException {
        Map<String, long[]> millis = new LinkedHashMap<>();
        Map<String, long[]> megabytes = new LinkedHashMap<>();
        ways.keySet().forEach(way -> {
            millis.put(way, new long[ROUNDS]);
            megabytes.put(way, new long[ROUNDS]);
        });
        for (int round = 0; round < ROUNDS; round++) {
            for (Map.Entry<String, List<String>> way : ways.entrySet()) {
                try (ServiceProcess service =
                        new ServiceProcess(way.getValue(), database, work.resolve("service.log"))) {
                    Duration time = service.awaitFirstAnswer();
                    millis.get(way.getKey())[round] = time.toMillis();
                    megabytes.get(way.getKey())[round] = service.residentBytes() >> 20;
                }
            }
        }
        double plain = median(millis.get("plain jar"));
        System.out.printf("%n%-15s %12s %8s %12s%n", "Median of " + ROUNDS, "to answer", "ratio", "resident");
        millis.forEach((way, times) -> System.out.printf(
                "%-15s %9d ms %8.2f %8d MiB%n", way, median(times), median(times) / plain, median(megabytes.get(way))));
    }

    private static long median(long[] values) {
        long[] sorted = values.clone();
        Arrays.sort(sorted);
        return sorted[sorted.length / 2];
    }
}
