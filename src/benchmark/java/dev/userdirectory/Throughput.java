package dev.userdirectory;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import tools.jackson.databind.json.JsonMapper;

/**
 * Measures how many queries per second running instances answer. 16 clients send requests, each with different
 * variables:
 *
 * <pre>
 * TOKEN=… ./mvnw -q spring-boot:test-run -Dspring-boot.run.main-class=dev.userdirectory.Throughput \
 *   -Dspring-boot.run.arguments="http://localhost:8080/graphql http://localhost:8081/graphql"
 * </pre>
 */
class Throughput {
    private static final int CLIENTS = 16;
    private static final Duration WARM_UP = Duration.ofSeconds(10);
    private static final Duration TIME = Duration.ofSeconds(20);
    private static final String QUERY = """
            query ($email: String!) {
              userByEmail(email: $email) { name }
              users(first: 20, orderBy: {field: NAME}) { nodes { id name email groups(first: 3) { nodes { name } } } }
            }""";

    private Throughput() {}

    /** @param instances their URLs */
    public static void main(String[] instances) throws Exception {
        String token = System.getenv("TOKEN");
        long start = System.nanoTime() + WARM_UP.toNanos();
        List<Future<Integer>> answers = new ArrayList<>();
        try (ExecutorService clients = Executors.newFixedThreadPool(CLIENTS)) {
            for (int i = 0; i < CLIENTS; i++) {
                URI instance = URI.create(instances[i % instances.length]);
                answers.add(clients.submit(() -> ask(instance, token, start)));
            }
        }
        int total = 0;
        for (Future<Integer> answered : answers) {
            total += answered.get();
        }
        System.out.printf("%d instances: %d queries/s%n", instances.length, total / TIME.toSeconds());
    }

    private static int ask(URI instance, String token, long start) throws IOException, InterruptedException {
        HttpClient client =
                HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
        int answered = 0;
        while (System.nanoTime() - start < TIME.toNanos()) {
            boolean counts = System.nanoTime() - start > 0;
            HttpResponse<String> response = client.send(
                    HttpRequest.newBuilder(instance)
                            .header("Content-Type", "application/json")
                            .header("Authorization", "Bearer " + token)
                            .POST(BodyPublishers.ofString(JsonMapper.shared()
                                    .writeValueAsString(Map.of(
                                            "query", QUERY, "variables", Map.of("email", Directory.newEmail())))))
                            .build(),
                    BodyHandlers.ofString());
            if (response.statusCode() != 200 || response.body().contains("\"errors\"")) {
                throw new IllegalStateException(response.body());
            }
            answered += counts ? 1 : 0;
        }
        return answered;
    }
}
