package dev.userdirectory.graphql.cache;

import static org.assertj.core.api.Assertions.assertThat;

import dev.userdirectory.Client;
import dev.userdirectory.Directory;
import dev.userdirectory.DirectoryTest;
import dev.userdirectory.Soak;
import dev.userdirectory.TestPostgres.Statements;
import dev.userdirectory.Tokens;
import dev.userdirectory.graphql.document.Sha256;
import java.lang.management.ManagementFactory;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.test.context.TestPropertySource;

/** Fills each cache with the entries that take the most memory for their weight, as far as the limits allow. */
@Soak("fills caches and measures the heap")
@DirectoryTest
@TestPropertySource(
        properties = {
            "directory.cache.size=3MB",
            "directory.limits.persisted-queries=3MB",
            "directory.memory.documents=6MB",
            "directory.memory.tokens=3MB",
            // A busy machine takes long to parse the documents of this test.
            "directory.limits.deadline=30s",
            "directory.events.follow=false"
        })
class MemoryBudgetTest {
    private static final double MIB = 1 << 20;
    private static final double BUDGETS = 5 * 3 * MIB;
    private static final double LIMIT = 1.25 * BUDGETS;
    private static final int CHARACTERS = 100_000;

    @Autowired
    Client client;

    @Autowired
    Directory directory;

    @Autowired
    Statements statements;

    private double before;
    private int number;
    private String user = "";

    @BeforeEach
    void warmUp() {
        user = directory.createUser();
        for (int i = 0; i < 50; i++) {
            send(document("{ users(first: 1) { nodes { id } } }", 10), Map.of());
        }
        before = IntStream.range(0, 4).mapToDouble(i -> liveHeap()).min().orElseThrow();
    }

    @Test
    void cachesTakeNoMoreThanTheirBudgets() {
        String selection =
                "{ nodes { id name email active createdAt version groups(first: 1) { nodes { id name version } } } }";
        String fields = IntStream.range(0, 45)
                .mapToObj(i -> "a" + i + ": users(first: 1) " + selection)
                .collect(Collectors.joining(" ", "{ ", " }"));
        fill("fields", 6, i -> send(document(fields, 0), Map.of()));
        fill(
                "fields of an interface",
                4,
                i -> send(
                        document(
                                "{ node(id: \"" + user + "\") { ... on User { " + "id name ".repeat(490)
                                        + "} ... on Group { " + "id name ".repeat(490) + "} } }",
                                0),
                        Map.of()));
        fill(
                "literals",
                4,
                i -> send(
                        document(
                                "query A { users(first: 1) { nodes { id } } } query B($ids: [ID!]! = ["
                                        + "\"\" ".repeat(14_900) + "]) { nodes(ids: $ids) { id } }",
                                0),
                        Map.of(),
                        "A"));
        fill("long comments", 130, i -> send(document("{ users(first: 1) { nodes { id } } }", 95_000), Map.of()));
        fill("tiny documents", 400, i -> send(document("{ users(first: 0) { totalCount } }", 0), Map.of()));
        fill("one document, many values", 40, i -> {
            Map<String, Object> variables = new HashMap<>(Map.of("first", i % 100));
            variables.put("x", IntStream.range(0, 9_000).mapToObj(n -> Map.of()).toList());
            send("query ($first: Int) { users(first: $first) { nodes { id } } }", variables);
        });
        fill(
                "one document, many keys",
                30,
                i -> send(
                        "query ($first: Int) { users(first: $first) { nodes { email } } }",
                        IntStream.range(0, 9_000)
                                .boxed()
                                .collect(Collectors.toMap(n -> n == 0 ? "first" : i + "x" + n, n -> n % 100))));
        fill(
                "one document, longer keys",
                25,
                i -> send(
                        "query ($first: Int) { users(first: $first) { nodes { name } } }",
                        IntStream.range(0, 4_000)
                                .boxed()
                                .collect(Collectors.toMap(
                                        n -> n == 0 ? "first" : i + "\u4e00".repeat(60) + n, n -> n % 100))));
        fill(
                "small variables",
                400,
                i -> send(
                        "query ($first: Int, $search: String) { users(first: $first, filter: {search: $search}) {"
                                + " nodes { id } } }",
                        Map.of("first", i % 100, "search", "nobody" + i)));
        String entities = "query ($ids: [_Any!]!) { _entities(representations: $ids) { ... on User { id } } } # ";
        fill("one document, many forms", 60, i -> {
            List<Map<String, Object>> representations = IntStream.range(0, 100)
                    .mapToObj(n -> Map.<String, Object>of("__typename", "User", "id", user, i + "x" + n, n))
                    .toList();
            send(entities, Map.of("ids", representations));
        });
        fill("many documents, one large form", 20, i -> {
            List<Map<String, Object>> representations = IntStream.range(0, 900)
                    .mapToObj(n ->
                            Map.<String, Object>of("__typename", "User", "id", user, i + "\u4e00".repeat(60) + n, n))
                    .toList();
            send(entities + i, Map.of("ids", representations));
        });
        fill("persisted documents", 40, i -> {
            String document = document("{ users(first: 1) { nodes { id } } }", 90_000);
            Map<String, Object> extension =
                    Map.of("persistedQuery", Map.of("version", 1, "sha256Hash", Sha256.hex(document)));
            client.post(Map.of("query", document, "extensions", extension));
        });
        fill("tokens", 60, i -> {
            String scopes = "users:read "
                    + IntStream.range(0, 1_700)
                            .mapToObj(n -> Integer.toString(n, 36))
                            .collect(Collectors.joining(" "));
            String token = Tokens.of("caller " + i, scopes);
            // Cached from the second time on.
            for (int time = 0; time < 2; time++) {
                client.withToken(token).post("{ __typename }");
            }
        });
    }

    private interface Fill {
        void run(int i);
    }

    private void fill(String name, int times, Fill fill) {
        for (int i = 0; i < times; i++) {
            fill.run(i);
        }
        double taken = liveHeap() - before;
        // Evicted responses may disappear only a moment later.
        for (int i = 0; i < 20 && taken >= LIMIT; i++) {
            taken = liveHeap() - before;
        }
        System.out.printf("%s: %.1f of %.0f MiB%n", name, taken / MIB, BUDGETS / MIB);
        assertThat(taken).as(name).isLessThan(LIMIT);
    }

    /** A document that was not sent before. */
    private String document(String text, int comment) {
        // Each character takes two bytes in memory.
        String padded = text + " # " + number++ + "\u4e00".repeat(comment);
        assertThat(padded.length()).isLessThanOrEqualTo(CHARACTERS);
        return padded;
    }

    private void send(String document, Map<String, ?> variables) {
        assertGood(client.post(document, variables).body());
    }

    private void send(String document, Map<String, ?> variables, String operation) {
        Map<String, Object> body = new LinkedHashMap<>();
        body.put("query", document);
        body.put("variables", variables);
        body.put("operationName", operation);
        assertGood(client.post(body).body());
    }

    private static void assertGood(String response) {
        assertThat(List.of(response.substring(0, Math.min(response.length(), 300))))
                .allSatisfy(start -> assertThat(start).startsWith("{\"data\"").doesNotContain("\"errors\""));
    }

    private double liveHeap() {
        statements.clear();
        System.gc();
        return ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed();
    }
}
