package dev.userdirectory;

import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.springframework.core.io.ClassPathResource;
import org.springframework.jdbc.core.JdbcTemplate;

/**
 * How long the service takes from {@code java -jar} to its first answered query, and how much memory it then has, as the
 * plain jar, as the extracted one, and with an AOT cache (JEP 483, 514 and 515), in turns:
 *
 * <pre>
 * ./mvnw -q package -DskipTests spring-boot:test-run -Dspring-boot.run.main-class=dev.userdirectory.StartUp
 * </pre>
 *
 * With the extracted jar and the cache's file as arguments it only trains the cache, as the image is built.
 */
class StartUp {
    private static final int ROUNDS = 5;
    private static final int TRAINING_ROUNDS = 50;
    private static final Map<String, Map<String, ?>> TRAINING = Map.of(
            "query ($first: Int, $orderBy: UserOrder) { users(first: $first, orderBy: $orderBy) {"
                    + " nodes { id name email active createdAt version }"
                    + " pageInfo { hasNextPage hasPreviousPage startCursor endCursor } totalCount } }",
            Map.of("first", 20, "orderBy", Map.of("field", "NAME")),
            "{ users(first: 5, filter: {search: \"ali\"}) { edges { cursor node { name"
                    + " groups(first: 3) { nodes { name members(first: 3) { nodes { name } } } } } } } }",
            Map.of(),
            "{ groups(first: 5) { nodes { id name description } } }",
            Map.of(),
            "query ($representations: [_Any!]!) { _entities(representations: $representations) {"
                    + " ... on User { id name email } } }",
            Map.of("representations", List.of(Map.of("__typename", "User", "email", "alice@example.com"))),
            "mutation { createUser(name: \"Alice\", email: \"alice@example.com\") { user { id }"
                    + " errors { path code message } } }",
            Map.of());

    private StartUp() {}

    public static void main(String[] args) throws Exception {
        Path work = Files.createTempDirectory("start-up");
        try (EmbeddedPostgres postgres = LocalPostgres.embedded().start()) {
            String database = postgres.getJdbcUrl("postgres", "postgres");
            if (args.length == 2) {
                train(args[0], args[1], new JdbcTemplate(postgres.getPostgresDatabase()), database, work);
                return;
            }
            Path plain = ServiceProcess.jar();
            run("-Djarmode=tools", "-jar", plain.toString(), "extract", "--destination", work.toString());
            String extracted = work.resolve(plain.getFileName()).toString();
            String cache = work.resolve("user-directory.aot").toString();
            train(extracted, cache, new JdbcTemplate(postgres.getPostgresDatabase()), database, work);
            Map<String, List<String>> ways = new LinkedHashMap<>();
            ways.put("plain jar", List.of("-jar", plain.toString()));
            ways.put("extracted jar", List.of("-jar", extracted));
            ways.put("AOT cache", List.of("-XX:AOTCache=" + cache, "-jar", extracted));
            compare(ways, database, work);
        }
    }

    private static void run(String... java) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(
                List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString()));
        command.addAll(List.of(java));
        if (new ProcessBuilder(command).inheritIO().start().waitFor() != 0) {
            throw new IllegalStateException("Failed: " + String.join(" ", command));
        }
    }

    private static void train(String jar, String cache, JdbcTemplate jdbc, String database, Path work)
            throws IOException, InterruptedException {
        Path log = work.resolve("training.log");
        // The first requests are slow while the JVM records, all the more on a busy machine.
        List<String> java = List.of("-XX:AOTCacheOutput=" + cache, "-jar", jar, "--directory.limits.deadline=1m");
        try (ServiceProcess service = new ServiceProcess(java, database, log)) {
            service.awaitFirstAnswer();
            jdbc.execute(new ClassPathResource("db/sample/people.sql").getContentAsString(StandardCharsets.UTF_8));
            for (int round = 0; round < TRAINING_ROUNDS; round++) {
                for (Map.Entry<String, Map<String, ?>> query : TRAINING.entrySet()) {
                    service.post(query.getKey(), query.getValue());
                }
            }
            service.terminate();
            // The cache is written as the JVM ends, which may take minutes.
            ProcessHandle.of(service.pid()).ifPresent(ending -> ending.onExit().join());
        }
        if (!Files.exists(Path.of(cache))) {
            throw new IllegalStateException("No AOT cache was written: " + Files.readString(log));
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
