package dev.userdirectory.mutation;

import static dev.userdirectory.Directory.newEmail;
import static dev.userdirectory.Directory.refusals;
import static org.assertj.core.api.Assertions.assertThat;

import dev.userdirectory.Client;
import dev.userdirectory.Directory;
import dev.userdirectory.DirectoryTest;
import dev.userdirectory.Instance;
import dev.userdirectory.ServiceProcess;
import dev.userdirectory.SharedSettings;
import dev.userdirectory.TestPostgres;
import dev.userdirectory.TestPostgres.Statements;
import dev.userdirectory.Tokens;
import dev.userdirectory.Waiting;
import dev.userdirectory.subscription.SocketClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.sql.Connection;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.jdbc.autoconfigure.JdbcConnectionDetails;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.jdbc.core.JdbcTemplate;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A mutation with an idempotency key is made once, and each retry gets the outcome of the first request. */
@DirectoryTest
@SharedSettings // the deadline
class IdempotencyTest {
    private static final String CREATE = """
            mutation ($name: String!, $email: String!, $key: String) {
              createUser(name: $name, email: $email, idempotencyKey: $key) {
                user { id name email active createdAt updatedAt version }
                errors { path code message current { id } }
              }
            }""";

    @Autowired
    Client client;

    @Autowired
    Directory directory;

    @Autowired
    Statements statements;

    @Autowired
    JdbcTemplate jdbc;

    @Autowired
    JdbcConnectionDetails postgres;

    @Autowired
    OldKeys oldKeys;

    private final String key = UUID.randomUUID().toString();

    @ParameterizedTest
    @ValueSource(
            strings = {
                "createUser(name: \"Al\", email: \"<NEW>\", %s) { user { id name email version updatedAt } errors { code } }",
                "createUsers(users: [{ name: \"A\", email: \"<NEW>\" }, { name: \"B\", email: \"b<NEW>\" }], %s) { users { id name createdAt version } errors { code } }",
                "updateUser(id: \"<USER>\", name: \"Changed\", active: false, ifVersion: 0, %s) { user { id name active version updatedAt } errors { code } }",
                "deleteUser(id: \"<USER>\", %s) { deletedUserId errors { code } }",
                "createGroup(name: \"Team\", description: \"New\", %s) { group { id name description version createdAt } errors { code } }",
                "updateGroup(id: \"<GROUP>\", description: null, ifVersion: 0, %s) { group { id description version updatedAt } errors { code } }",
                "deleteGroup(id: \"<GROUP>\", ifVersion: 0, %s) { deletedGroupId errors { code } }",
                "addGroupMembers(groupId: \"<GROUP>\", userIds: [\"<USER>\"], %s) { group { id name } errors { code } }",
                "removeGroupMembers(groupId: \"<GROUP>\", userIds: [\"<USER>\"], %s) { group { id name } errors { code } }"
            })
    void eachMutationIsMadeOnce(String mutation) {
        String user = directory.createUser();
        String document = "mutation { "
                + mutation.formatted("idempotencyKey: \"" + key + "\"")
                        .replace("<NEW>", newEmail())
                        .replace("<USER>", user)
                        .replace("<GROUP>", directory.createGroup("Group", List.of()))
                + " }";

        JsonNode first = client.data(document);
        Object stored = directory.digest();
        Object events = jdbc.queryForList("select count(*) from user_events");

        assertThat(first.findValuesAsString("code")).isEmpty();
        assertThat(client.data(document)).isEqualTo(first);
        assertThat(directory.digest()).isEqualTo(stored);
        assertThat(jdbc.queryForList("select count(*) from user_events")).isEqualTo(events);
    }

    @Test
    void showsTheObjectOfTheFirstRequestAfterItHasChanged() {
        String email = newEmail();
        JsonNode first = create("Al", email, key);
        String id = first.at("/user/id").asString();
        assertThat(first.get("user")).isEqualTo(directory.user(id));
        client.data("mutation { deleteUser(id: \"" + id + "\") { errors { code } } }");

        assertThat(create("Al", email, key)).isEqualTo(first);
        assertThat(directory.user(id).isNull()).isTrue();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "createUser(name: \"Al\", email: \"<TAKEN>\", %s)",
                "createUsers(users: [{ name: \"Al\", email: \"<TAKEN>\" }], %s)"
            })
    void rejectionIsRepeated(String mutation) {
        String id = directory.createUser();
        String document = "mutation { "
                + mutation.formatted("idempotencyKey: \"" + key + "\"")
                        .replace("<TAKEN>", directory.user(id).get("email").asString())
                + " { errors { path code message } } }";
        JsonNode first = client.data(document);
        assertThat(first.findValuesAsString("code")).containsExactly("TAKEN");
        client.data("mutation { deleteUser(id: \"" + id + "\") { errors { code } } }");

        assertThat(client.data(document)).isEqualTo(first);
    }

    @Test
    void rejectsTheKeyOfAnotherMutation() {
        String email = newEmail();
        String id = create("Al", email, key).at("/user/id").asString();
        Object before = directory.digest();

        JsonNode otherArguments = create("Bo", email, key);
        JsonNode otherField = client.data("mutation { createGroup(name: \"Al\", idempotencyKey: \"" + key
                        + "\") { group { id } errors { path code current { id ... on User { name } } } } }")
                .get("createGroup");

        assertThat(refusals(otherArguments)).containsExactly("idempotencyKey KEY_REUSED");
        assertThat(otherArguments.at("/errors/0/current/id").asString()).isEqualTo(id);
        assertThat(refusals(otherField)).containsExactly("idempotencyKey KEY_REUSED");
        assertThat(otherField.at("/errors/0/current/name").asString()).isEqualTo("Al");
        assertThat(directory.digest()).isEqualTo(before);
    }

    @Test
    void keysBelongToTheSubject() {
        Client other = client.withToken(ServiceProcess.tokenOf("another subject"));
        String email = newEmail();
        create("Al", email, key);

        JsonNode payload = other.data(CREATE, Map.of("name", "Al", "email", email, "key", key))
                .get("createUser");

        assertThat(refusals(payload)).containsExactly("email TAKEN");
    }

    @Test
    void headerDoesTheSame() {
        String email = newEmail();
        JsonNode first = withHeader("\"" + key + "\"", CREATE, Map.of("name", "Al", "email", email));

        assertThat(first.at("/data/createUser/user/email").asString()).isEqualTo(email);
        assertThat(withHeader(key, CREATE, Map.of("name", "Al", "email", email)))
                .isEqualTo(first);
        assertThat(create("Al", email, key)).isEqualTo(first.at("/data/createUser"));
        assertThat(withHeader(key, CREATE, Map.of("name", "Al", "email", email, "key", key)))
                .isEqualTo(first);
        assertThat(withHeader(key + 2, "mutation { __typename createGroup(name: \"A\") { errors { code } } }", Map.of())
                        .has("errors"))
                .isFalse();
        assertThat(withHeader(key, "{ users(first: 1) { nodes { id } } }", Map.of())
                        .has("errors"))
                .isFalse();
    }

    @Test
    void headerIsForOneMutation() {
        Object before = directory.digest();

        JsonNode response = withHeader(
                key,
                "mutation { ...Two } fragment Two on Mutation { a: createGroup(name: \"A\") { group { id } }"
                        + " b: createGroup(name: \"B\") { group { id } } }",
                Map.of());

        assertThat(response.at("/errors/0/extensions/code").asString()).isEqualTo("BAD_REQUEST");
        assertThat(response.at("/errors/0/message").asString()).contains("Idempotency-Key");
        assertThat(directory.digest()).isEqualTo(before);
    }

    @Test
    void headerIsAStructuredString() {
        String email = newEmail();
        JsonNode first = create("Al", email, key + "\"a\\b, c;d");

        assertThat(withHeader("\"" + key + "\\\"a\\\\b, c;d\"", CREATE, Map.of("name", "Al", "email", email))
                        .at("/data/createUser"))
                .isEqualTo(first);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "\"a\"b\"",
                "\"a",
                "\"",
                "\"a\\b\"",
                "\"a\\\"",
                "a b",
                "\"a\";b=1",
                "a;b",
                "\"a\", \"b\"",
                "a,b",
                "a\\b"
            })
    void rejectsHeaderThatIsNotOneKey(String header) {
        isRefused(withHeader(header, CREATE, Map.of("name", "Al", "email", newEmail())));
    }

    @Test
    void rejectsTwoHeaders() {
        isRefused(send(
                CREATE, Map.of("name", "Al", "email", newEmail()), "Idempotency-Key", key, "Idempotency-Key", key + 2));
    }

    private static void isRefused(JsonNode response) {
        assertThat(response.at("/errors/0/extensions/code").asString()).isEqualTo("BAD_REQUEST");
        assertThat(response.at("/errors/0/message").asString()).contains("Idempotency-Key");
        assertThat(response.path("data").isNull() || response.path("data").isMissingNode())
                .isTrue();
    }

    @Test
    void headerCostsAsMuchAsTheArgument() {
        String mutation = "mutation { createGroup(name: \"\"%s) { errors { code } } }";
        String query = "{ users(first: 1) { nodes { id } } }";

        assertThat(cost(mutation.formatted(""), "Idempotency-Key", key))
                .isEqualTo(cost(mutation.formatted(", idempotencyKey: \"k\"")))
                .isEqualTo(cost(mutation.formatted("")) + 10);
        assertThat(cost(query, "Idempotency-Key", key)).isEqualTo(cost(query));
    }

    private int cost(String document, String... headers) {
        return JsonMapper.shared()
                .readTree(client.send(request(document, Map.of(), headers)
                                .header("GraphQL-Cost", "report")
                                .build())
                        .body())
                .at("/extensions/cost/requested")
                .asInt();
    }

    @Test
    void retryOverASocketOrAnEventStreamGetsTheSameGroup() {
        String mutation = "mutation { createGroup(name: \"Any transport\", idempotencyKey: \"" + key
                + "\") { group { id } errors { code } } }";
        JsonNode first = client.data(mutation);

        try (SocketClient socket =
                SocketClient.connect(client.uri("/graphql"), Tokens.withScopes("users:read users:write"))) {
            socket.subscribe("1", mutation, Map.of());
            assertThat(socket.expect("next").at("/payload/data")).isEqualTo(first);
        }
        HttpResponse<String> streamed = client.send(request(mutation, Map.of())
                .header("Accept", "text/event-stream")
                .build());
        assertThat(streamed.body()).contains(first.toString());
    }

    @Test
    void headerCountsOverAnEventStream() throws Exception {
        String mutation =
                "mutation { createGroup(name: \"Stream\", idempotencyKey: \"" + key + "\") { group { id } } }";
        JsonNode first = client.data(mutation);

        HttpResponse<String> streamed = client.send(
                request(mutation.replace(", idempotencyKey: \"" + key + "\"", ""), Map.of(), "Idempotency-Key", key)
                        .header("Accept", "text/event-stream")
                        .build());

        assertThat(streamed.body()).contains(first.at("/createGroup/group/id").asString());
    }

    @Test
    void retriesOnTwoInstancesGetTheSameUser() throws Exception {
        String email = newEmail();
        try (ConfigurableApplicationContext instance = Instance.start(postgres, "--directory.limits.deadline=30s");
                ExecutorService clients = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Client> instances = List.of(client, instance.getBean(Client.class));
            List<Future<JsonNode>> answers = IntStream.range(0, 20)
                    .mapToObj(i -> clients.submit(
                            () -> instances.get(i % 2).data(CREATE, Map.of("name", "Al", "email", email, "key", key))))
                    .toList();
            JsonNode first = answers.getFirst().get();
            assertThat(refusals(first.get("createUser"))).isEmpty();
            for (Future<JsonNode> answer : answers) {
                assertThat(answer.get()).isEqualTo(first);
            }
        }
    }

    /** Otherwise retries of one creation that waits for an address would occupy every connection. */
    @Test
    void waitingRetriesLeaveConnectionsToReads() throws Exception {
        String email = newEmail();
        try (Connection other = TestPostgres.connect();
                Statement statement = other.createStatement();
                ExecutorService clients = Executors.newVirtualThreadPerTaskExecutor()) {
            other.setAutoCommit(false);
            statement.execute("insert into users (id, name, email, active, created_at, updated_at, version)"
                    + " values (uuidv7(), 'Other', '" + email + "', true, now(), now(), 0)");
            List<Future<JsonNode>> retries = IntStream.range(0, 20)
                    .mapToObj(i -> clients.submit(() -> create("Al", email, key)))
                    .toList();
            Waiting.until(() -> Boolean.TRUE.equals(jdbc.queryForObject(
                    "select exists (select from pg_stat_activity where query_start < now() - interval '0.2 s'"
                            + " and pg_blocking_pids(pid) <> '{}' and query like 'insert%')",
                    Boolean.class)));

            client.data("{ users(first: 1, filter: { emails: [\"" + email + "\"] }) { nodes { id } } }");
            assertThat(retries).noneMatch(Future::isDone);

            other.rollback();
            JsonNode first = retries.getFirst().get();
            assertThat(refusals(first)).isEmpty();
            for (Future<JsonNode> retry : retries) {
                assertThat(retry.get()).isEqualTo(first);
            }
        }
    }

    @Test
    void rejectsKeysThatCannotBeUsed() {
        Object before = directory.digest();
        String nobody = Tokens.sign(Tokens.claims()
                .subject(null)
                .claim("scope", "users:read users:write")
                .build());

        assertThat(refusals(create("Al", newEmail(), ""))).containsExactly("idempotencyKey INVALID");
        assertThat(refusals(create("Al", newEmail(), "😀".repeat(201)))).containsExactly("idempotencyKey INVALID");
        assertThat(refusals(create("Al", newEmail(), "a\u0000"))).containsExactly("idempotencyKey INVALID");
        assertThat(refusals(create("Al", newEmail(), "\ud800"))).containsExactly("idempotencyKey INVALID");
        assertThat(refusals(withHeader("other", CREATE, Map.of("name", "Al", "email", newEmail(), "key", key))
                        .at("/data/createUser")))
                .containsExactly("idempotencyKey INVALID");
        assertThat(refusals(withHeader("", CREATE, Map.of("name", "Al", "email", newEmail()))
                        .at("/data/createUser")))
                .containsExactly("Idempotency-Key INVALID");
        assertThat(refusals(client.withToken(nobody)
                        .data(CREATE, Map.of("name", "Al", "email", newEmail(), "key", key))
                        .get("createUser")))
                .containsExactly("idempotencyKey INVALID");
        assertThat(directory.digest()).isEqualTo(before);
        assertThat(refusals(create("Al", newEmail(), "😀".repeat(200)))).isEmpty();
    }

    /** A list may repeat one long variable, so that the arguments are many times as long as the request. */
    @Test
    void rejectsArgumentsThatAreTooLongToCompare() {
        String document = "mutation ($id: ID!, $key: String!) { deleteUsers(ids: [" + "$id ".repeat(900)
                + "], idempotencyKey: $key) { errors { code path } } }";

        JsonNode payload = client.data(document, Map.of("id", "x".repeat(50_000), "key", key))
                .get("deleteUsers");

        assertThat(refusals(payload)).containsExactly("idempotencyKey INVALID");
    }

    @Test
    void fiftyRetriesAtOnceGetTheSameUser() throws Exception {
        String email = newEmail();
        Callable<JsonNode> retry = () -> create("Al", email, key);

        try (ExecutorService clients = Executors.newFixedThreadPool(50)) {
            List<Future<JsonNode>> answers = clients.invokeAll(
                    IntStream.range(0, 50).mapToObj(i -> retry).toList());
            JsonNode first = answers.getFirst().get();
            assertThat(refusals(first)).isEmpty();
            for (Future<JsonNode> answer : answers) {
                assertThat(answer.get()).isEqualTo(first);
            }
        }
    }

    @Test
    void oneOfFiftyMutationsWithTheSameKeyIsMade() throws Exception {
        List<Callable<JsonNode>> mutations = IntStream.range(0, 50)
                .<Callable<JsonNode>>mapToObj(i -> () -> create("Al", newEmail(), key))
                .toList();

        try (ExecutorService clients = Executors.newFixedThreadPool(50)) {
            List<String> outcomes = new ArrayList<>();
            for (Future<JsonNode> answer : clients.invokeAll(mutations)) {
                outcomes.addAll(refusals(answer.get()));
            }
            assertThat(outcomes).hasSize(49).containsOnly("idempotencyKey KEY_REUSED");
        }
    }

    @Test
    void keyIsForgottenAfterItsRetention() {
        String email = newEmail();
        create("Al", email, key);
        jdbc.update("update idempotency_keys set created_at = now() - interval '1 day 1 second'"
                + " where object_id = (select object_id from idempotency_keys order by created_at desc limit 1)");

        assertThat(refusals(create("Al", email, key))).containsExactly("email TAKEN");

        assertThat(oldKeys.delete(jdbc, 1000)).isFalse();
        assertThat(refusals(create("Al", email, key))).containsExactly("email TAKEN");
        jdbc.update("update idempotency_keys set created_at = now() - interval '1 day 1 second'");
        assertThat(oldKeys.delete(jdbc, 1)).isTrue();
        assertThat(oldKeys.delete(jdbc, 1000)).isFalse();
        assertThat(jdbc.queryForList("select from idempotency_keys")).isEmpty();
    }

    /** In one step, they would take longer than a statement may. */
    @Test
    void oldKeysWithLargeOutcomesAreDeletedInSmallSteps() {
        jdbc.update("delete from idempotency_keys");
        jdbc.update("""
                insert into idempotency_keys (id, fingerprint, outcome, created_at)
                select 'large ' || i, '', outcome, now() - interval '2 days'
                from generate_series(1, 60) i, (
                    select string_agg(md5(i::text), '') as outcome from generate_series(1, 31250) i
                )
                """);
        int steps = 1;
        while (oldKeys.delete(jdbc, 1000)) {
            steps++;
        }
        assertThat(steps).isGreaterThan(2);
        assertThat(jdbc.queryForList("select from idempotency_keys")).isEmpty();
    }

    @Test
    void mutationWithoutKeyStoresNone() {
        statements.clear();

        create("Al", newEmail(), null);

        assertThat(statements.executed()).noneMatch(statement -> statement.contains("idempotency_keys"));
    }

    private JsonNode create(String name, String email, @Nullable String key) {
        Map<String, @Nullable String> variables = new HashMap<>(Map.of("name", name, "email", email));
        variables.put("key", key);
        return client.data(CREATE, variables).get("createUser");
    }

    private JsonNode withHeader(String header, String document, Map<String, ?> variables) {
        return send(document, variables, "Idempotency-Key", header);
    }

    private JsonNode send(String document, Map<String, ?> variables, String... headers) {
        return JsonMapper.shared()
                .readTree(client.send(request(document, variables, headers).build())
                        .body());
    }

    private HttpRequest.Builder request(String document, Map<String, ?> variables, String... headers) {
        HttpRequest.Builder request = HttpRequest.newBuilder(client.uri("/graphql"))
                .header("Content-Type", "application/json")
                .POST(BodyPublishers.ofString(
                        JsonMapper.shared().writeValueAsString(Map.of("query", document, "variables", variables))));
        return headers.length == 0 ? request : request.headers(headers);
    }
}
