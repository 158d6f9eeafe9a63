package dev.userdirectory;

import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToLongFunction;

/**
 * Measures the time from {@code java -jar} to the first response, and the processor time and memory used until then,
 * for the plain jar, the extracted jar and the AOT cache (JEP 483, 514 and 515). The variants take turns, along with
 * the reference if it has been built:
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

    private record Start(long millis, long cpuMillis, long megabytes) {}

    private static void compare(Map<String, List<String>> ways, String database, Path work)
            throws IOException, InterruptedException {
        Map<String, List<Start>> starts = new LinkedHashMap<>();
        for (int round = 0; round < ROUNDS; round++) {
            for (Map.Entry<String, List<String>> way : ways.entrySet()) {
                try (ServiceProcess service =
                        new ServiceProcess(way.getValue(), database, work.resolve("service.log"))) {
                    long millis = service.awaitFirstAnswer().toMillis();
                    starts.computeIfAbsent(way.getKey(), key -> new ArrayList<>())
                            .add(new Start(millis, service.cpuTime().toMillis(), service.residentBytes() >> 20));
                }
            }
        }
        System.out.printf("%n%-15s %12s %12s %12s%n", "Median of " + ROUNDS, "to answer", "processors", "resident");
        starts.forEach((way, all) -> System.out.printf(
                "%-15s %9d ms %9d ms %8d MiB%n",
                way, median(all, Start::millis), median(all, Start::cpuMillis), median(all, Start::megabytes)));
    }

    private static long median(List<Start> starts, ToLongFunction<Start> value) {
        return starts.stream()
                .mapToLong(value)
                .sorted()
                .skip(ROUNDS / 2)
                .findFirst()
                .orElseThrow();
    }
}
