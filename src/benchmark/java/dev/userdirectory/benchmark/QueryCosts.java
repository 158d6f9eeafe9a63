package dev.userdirectory.benchmark;

import dev.userdirectory.LocalPostgres;
import dev.userdirectory.ServiceProcess;
import dev.userdirectory.relay.GlobalId;
import dev.userdirectory.user.User;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.springframework.core.io.ClassPathResource;
import org.springframework.jdbc.core.JdbcTemplate;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Prints a Markdown table of operations, with their cost by the schema and the time that they take with 200,000 users:
 *
 * <pre>
 * ./mvnw -q package -DskipTests spring-boot:test-run \
 *     -Dspring-boot.run.main-class=dev.userdirectory.benchmark.QueryCosts -Dspring-boot.run.arguments=other.jar
 * </pre>
 *
 * The jars in the arguments take turns with the one that was built, and come before it in the table. Requests are sent
 * one at a time. The first run loads the users and keeps them in {@code .data/costs}.
 */
final class QueryCosts {
    private static final int USERS = 200_000;
    private static final int ROUNDS = 15;
    private static final Path DATA = Path.of(".data", "costs").toAbsolutePath();
    private static final JsonMapper JSON = JsonMapper.shared();
    private static final HttpClient HTTP = HttpClient.newHttpClient();

    /** @param shown its name in the table */
    private record Operation(String shown, String document, Map<String, ?> variables) {}

    /** @param outcome the cost, and the code of the error if there is one */
    private record Measurement(double millis, String outcome) {}

    private QueryCosts() {}

    public static void main(String[] others) throws Exception {
        List<Path> jars = Arrays.stream(others).map(Path::of).collect(Collectors.toCollection(ArrayList::new));
        jars.add(ServiceProcess.jar());
        Files.createDirectories(DATA);
        List<ServiceProcess> services = new ArrayList<>();
        try (EmbeddedPostgres postgres = LocalPostgres.start(LocalPostgres.embedded(), DATA.resolve("postgres"))) {
            String url = postgres.getJdbcUrl("postgres", "postgres");
            for (Path jar : jars) {
                ServiceProcess service = new ServiceProcess(
                        List.of("-Xmx460m", "-jar", jar.toString(), "--directory.cache.enabled=false"),
                        url,
                        DATA.resolve("service.log"));
                services.add(service);
                service.awaitFirstAnswer();
            }
            String user = load(new JdbcTemplate(postgres.getPostgresDatabase()));
            System.out.println("| operation |" + " cost | ms |".repeat(services.size()));
            System.out.println("|---|" + "--:|--:|".repeat(services.size()));
            for (Operation operation : operations(user)) {
                System.out.println("| `" + operation.shown + "` | " + measure(services, operation) + " |");
            }
        } finally {
            for (ServiceProcess service : services) {
                service.close();
            }
        }
    }

    /** @return the ID of a user who is in five groups of 50,000 */
    private static String load(JdbcTemplate jdbc) throws IOException {
        if (jdbc.queryForList("select from users limit 1").isEmpty()) {
            String sample = new ClassPathResource("db/sample/million.sql").getContentAsString(StandardCharsets.UTF_8);
            jdbc.execute(sample.replace("1000000", Integer.toString(USERS)));
            jdbc.execute("""
                    with large as (
                        insert into groups (id, name, created_at, updated_at, version)
                        select uuidv7(), 'Large ' || n, now(), now(), 0 from generate_series(1, 5) n
                        returning id
                    )
                    insert into group_members (group_id, user_id, joined_at)
                    select large.id, users.id, now() from large, (select id from users order by id limit 50000) users;
                    delete from group_members
                    where user_id = (select id from users order by id limit 1)
                      and group_id not in (select id from groups where name like 'Large %')
                    """);
            jdbc.execute("vacuum analyze");
        }
        return new GlobalId(User.TYPE, jdbc.queryForObject("select id from users order by id limit 1", UUID.class))
                .toString();
    }

    private static List<Operation> operations(String user) {
        String counts = IntStream.rangeClosed(1, 19)
                .mapToObj(i -> "a%d: members(first: %d) { totalCount }".formatted(i, i))
                .collect(Collectors.joining(" "));
        String groups = "query ($id: ID!) { user(id: $id) { groups(first: 5) { nodes { %s } } } }";
        return List.of(
                search("☃"),
                search("张伟"),
                search("featherstonehaugh"),
                search("@example.com@example."),
                new Operation(
                        "user { groups(first: 5) { nodes { a1…a19: members(first: i) { totalCount } } } }",
                        groups.formatted(counts),
                        Map.of("id", user)),
                new Operation(
                        "user { groups(first: 5) { nodes { members(first: 0) { totalCount } } } }",
                        groups.formatted("members(first: 0) { totalCount }"),
                        Map.of("id", user)),
                new Operation(
                        "users(first: 0, filter: {search: <1.8 million characters>}) { totalCount }",
                        search("").document,
                        Map.of("text", "a".repeat(1_800_000))),
                new Operation(
                        "users(filter: {search: \"a\"}) { nodes { id } }",
                        "{ users(filter: { search: \"a\" }) { nodes { id } } }",
                        Map.of()),
                new Operation("users { nodes { id } }", "{ users { nodes { id } } }", Map.of()),
                new Operation(
                        "users(first: 100) { nodes { groups(first: 50) { nodes { name } } } }",
                        "{ users(first: 100) { nodes { groups(first: 50) { nodes { name } } } } }",
                        Map.of()));
    }

    private static Operation search(String text) {
        return new Operation(
                "users(first: 0, filter: {search: \"" + text + "\"}) { totalCount }",
                "query ($text: String) { users(first: 0, filter: { search: $text }) { totalCount } }",
                Map.of("text", text));
    }

    /**
     * Returns the outcome and the shortest time of each service. The shortest is closest to the truth, because other
     * work on the machine only adds to the times.
     */
    private static String measure(List<ServiceProcess> services, Operation operation)
            throws IOException, InterruptedException {
        double[] shortest = new double[services.size()];
        Arrays.fill(shortest, Double.POSITIVE_INFINITY);
        String[] outcomes = new String[services.size()];
        for (int round = 0; round < ROUNDS; round++) {
            for (int i = 0; i < services.size(); i++) {
                Measurement answer = post(services.get(i), operation);
                shortest[i] = Math.min(shortest[i], answer.millis);
                outcomes[i] = answer.outcome;
            }
        }
        return IntStream.range(0, services.size())
                .mapToObj(i -> "%s | %,.0f".formatted(outcomes[i], shortest[i]))
                .collect(Collectors.joining(" | "));
    }

    private static Measurement post(ServiceProcess service, Operation operation)
            throws IOException, InterruptedException {
        HttpRequest request = HttpRequest.newBuilder(service.graphQl())
                .header("Content-Type", "application/json")
                .header("Authorization", "Bearer " + service.token())
                .header("GraphQL-Cost", "report")
                .POST(BodyPublishers.ofString(
                        JSON.writeValueAsString(Map.of("query", operation.document, "variables", operation.variables))))
                .build();
        long start = System.nanoTime();
        String body = HTTP.send(request, BodyHandlers.ofString()).body();
        double millis = (System.nanoTime() - start) / 1e6;
        JsonNode response = JSON.readTree(body);
        String cost = response.at("/extensions/cost/requested").asString("");
        return new Measurement(
                millis, (cost + " " + response.at("/errors/0/extensions/code").asString("")).strip());
    }
}
