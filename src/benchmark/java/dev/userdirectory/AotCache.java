package dev.userdirectory;

import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.springframework.core.io.ClassPathResource;
import org.springframework.jdbc.core.JdbcTemplate;
import tools.jackson.databind.JsonNode;

/**
 * Trains an AOT cache (JEP 483, 514 and 515) with real queries against a real PostgreSQL. Without arguments, as in the
 * profile {@code aot}, it extracts the jar to {@code target/user-directory} and trains the cache there. The build of
 * the image passes the path of its extracted jar and the path of the cache.
 */
public class AotCache {
    private static final Path FOLDER = Path.of("target", "user-directory");
    static final Path JAR = FOLDER.resolve("user-directory.jar");
    private static final Path CACHE = FOLDER.resolve("user-directory.aot");

    /** The cache is valid only for the JVM that trained it, and only with this option. */
    private static final String HEADERS = "-XX:+UseCompactObjectHeaders";

    /** The arguments of {@code java} that run the build of the profile {@code aot}. */
    public static final List<String> JAVA = List.of(HEADERS, "-XX:AOTCache=" + CACHE, "-jar", JAR.toString());

    private static final int CLIENTS = 8;
    /** Long enough for C2: methods that it does not compile during training are compiled late in production. */
    private static final Duration TRAINING = Duration.ofSeconds(40);

    /**
     * All queries take the same variables. Their values differ between requests, because cached responses would train
     * little.
     */
    private static final List<String> QUERIES = List.of(
            "query ($id: ID!) { user(id: $id) { id name email } }",
            "query ($first: Int, $after: String) { users(first: $first, after: $after) {"
                    + " nodes { id name email } pageInfo { endCursor hasNextPage } } }",
            "query ($first: Int) { users(first: $first, orderBy: {field: NAME}) {"
                    + " nodes { id name email active createdAt version }"
                    + " pageInfo { hasNextPage hasPreviousPage startCursor endCursor } totalCount } }",
            "query ($search: String) { users(first: 20, filter: {search: $search}) { edges { cursor node { name"
                    + " groups(first: 5) { nodes { id name members(first: 3) { nodes { name } } } } } } } }",
            "{ groups(first: 5) { nodes { id name description } } }",
            "query ($id: ID!) { _entities(representations: [{__typename: \"User\", id: $id}]) {"
                    + " ... on User { id name email } } }",
            "mutation ($email: String!) { createUser(name: \"Alice\", email: $email) { user { id name email }"
                    + " errors { path code message } } }");

    private AotCache() {}

    public static void main(String[] args) throws Exception {
        if (args.length == 2) {
            train(Path.of(args[0]), Path.of(args[1]));
            return;
        }
        run(
                "-Djarmode=tools",
                "-jar",
                ServiceProcess.jar().toString(),
                "extract",
                "--force",
                "--destination",
                FOLDER.toString(),
                "--application-filename",
                String.valueOf(JAR.getFileName()));
        train(JAR, CACHE);
    }

    private static void run(String... java) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(
                List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString()));
        command.addAll(List.of(java));
        if (new ProcessBuilder(command).inheritIO().start().waitFor() != 0) {
            throw new IllegalStateException("Failed: " + String.join(" ", command));
        }
    }

    private static void train(Path jar, Path cache) throws IOException, InterruptedException {
        Path log = Files.createTempDirectory("training").resolve("training.log");
        // The first requests are slow while the JVM records, especially on a busy machine.
        List<String> java = List.of(
                HEADERS, "-XX:AOTCacheOutput=" + cache, "-jar", jar.toString(), "--directory.limits.deadline=1m");
        try (EmbeddedPostgres postgres = LocalPostgres.embedded().start();
                ServiceProcess service = new ServiceProcess(java, postgres.getJdbcUrl("postgres", "postgres"), log)) {
            service.awaitFirstAnswer();
            new JdbcTemplate(postgres.getPostgresDatabase())
                    .execute(new ClassPathResource("db/sample/people.sql").getContentAsString(StandardCharsets.UTF_8));
            askForLong(service);
            service.terminate();
            // The JVM writes the cache when it exits, which may take minutes.
            ProcessHandle.of(service.pid()).ifPresent(ending -> ending.onExit().join());
        }
        if (!Files.exists(cache)) {
            throw new IllegalStateException("No AOT cache was written: " + Files.readString(log));
        }
    }

    private static void askForLong(ServiceProcess service) throws IOException, InterruptedException {
        List<JsonNode> users = service.post("{ users(first: 100) { edges { cursor node { id } } } }", Map.of())
                .at("/data/users/edges")
                .valueStream()
                .toList();
        AtomicInteger number = new AtomicInteger();
        long end = System.nanoTime() + TRAINING.toNanos();
        List<Future<?>> clients = new ArrayList<>();
        try (ExecutorService threads = Executors.newFixedThreadPool(CLIENTS)) {
            for (int i = 0; i < CLIENTS; i++) {
                clients.add(threads.submit(() -> {
                    while (System.nanoTime() < end) {
                        int n = number.getAndIncrement();
                        JsonNode user = users.get(n % users.size());
                        Map<String, ?> variables = Map.of(
                                "id", user.at("/node/id").asString(),
                                "after", user.get("cursor").asString(),
                                "first", n % 50 + 1,
                                "search", "a" + (char) ('a' + n % 26),
                                "email", n + "@training.example.com");
                        service.post(QUERIES.get(n % QUERIES.size()), variables);
                    }
                    return null;
                }));
            }
            for (Future<?> client : clients) {
                client.get();
            }
        } catch (ExecutionException e) {
            throw new IllegalStateException("A training query failed", e);
        }
        System.out.printf("Trained with %,d queries%n", number.get());
    }
}
