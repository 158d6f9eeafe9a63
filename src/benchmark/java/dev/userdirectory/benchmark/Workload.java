package dev.userdirectory.benchmark;

import dev.userdirectory.benchmark.Build.Kind;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.function.IntFunction;
import java.util.function.LongFunction;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Requests that are sent repeatedly.
 *
 * @param operations sent in turn
 */
record Workload(String name, Kind kind, boolean writes, List<Operation> operations) {
    private static final JsonMapper JSON = JsonMapper.shared();

    /**
     * @param body the body of the n-th request of the run
     * @param shown the expected data of the n-th response
     * @param answer selects the part of the response data that is compared with {@code shown}
     */
    record Operation(LongFunction<byte[]> body, LongFunction<Object> shown, Function<JsonNode, JsonNode> answer) {
        /** An operation that can be repeated with the same variables. */
        static Operation read(
                String document,
                List<Map<String, Object>> variables,
                IntFunction<Object> shown,
                Function<JsonNode, JsonNode> answer) {
            List<byte[]> bodies =
                    variables.stream().map(each -> toBody(document, each)).toList();
            return new Operation(
                    n -> bodies.get((int) (n % bodies.size())), n -> shown.apply((int) (n % bodies.size())), answer);
        }

        static byte[] toBody(String document, Map<String, ?> variables) {
            return JSON.writeValueAsString(Map.of("query", document, "variables", variables))
                    .getBytes(StandardCharsets.UTF_8);
        }
    }

    private Operation operation(long n) {
        return operations.get((int) (n % operations.size()));
    }

    byte[] body(long n) {
        return operation(n).body.apply(n);
    }

    /** The number of connections. Large requests use few: with more, they would wait for memory or be rejected. */
    int connections() {
        return name.contains("1,000 ") ? 4 : 32;
    }

    /** Whether pgbench can repeat the statements of this workload's requests. */
    boolean isBoundedByPgBench() {
        return kind != Kind.DEFAULT || name.equals(Workloads.CREATE);
    }

    /** @throws IllegalStateException if the n-th response has errors or differs from the result of SQL */
    void check(long n, String answer) {
        JsonNode response = JSON.readTree(answer.getBytes(StandardCharsets.ISO_8859_1));
        JsonNode shown = JSON.valueToTree(operation(n).shown.apply(n));
        JsonNode data = response.path("data");
        if (response.has("errors") || !operation(n).answer.apply(data).equals(shown)) {
            throw new IllegalStateException("%s returned %s instead of %s".formatted(name, response, shown));
        }
    }
}
