package dev.userdirectory.mutation;

import static org.assertj.core.api.Assertions.assertThat;

import dev.userdirectory.PostgresServer;
import dev.userdirectory.ServiceProcess;
import dev.userdirectory.Soak;
import dev.userdirectory.Waiting;
import java.io.IOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Clients create users and groups, lose responses, and retry, while PostgreSQL or, every fourth time, the service is killed:
 * after PostgreSQL has committed a creation, and before the service hears of it. {@code -Ddirectory.test.kills=1000} does that
 * a thousand times, and {@code -Ddirectory.test.service="-XX:AOTCache=... -jar ..."} with a packaged service, which starts
 * faster.
 */
@Soak("kills processes of the service")
class IdempotencyFaultsTest {
    private static final int KILLS = Integer.getInteger("directory.test.kills", 4);
    private static final int LOST_RESPONSES = 1000;
    private static final String CLASSES =
            "-cp " + System.getProperty("java.class.path") + " dev.userdirectory.UserDirectoryApplication";
    /** Each creates a user or, as the last one does, a group. */
    private static final List<String> CREATIONS = List.of(
            "createUser(name: $name, email: $email, idempotencyKey: $key) { object: user { id }",
            "createUsers(users: [{name: $name, email: $email}], mode: EACH, idempotencyKey: $key) { object: users { id }",
            "upsertUsers(users: [{name: $name, email: $email}], idempotencyKey: $key) { object: users { id }",
            "createGroup(name: $name, description: $email, idempotencyKey: $key) { object: group { id }");

    private final PostgresServer postgres = new PostgresServer();
    private final AtomicBoolean writing = new AtomicBoolean(true);
    private final AtomicInteger lost = new AtomicInteger();
    private final List<Thread> clients = new ArrayList<>();
    /** The answers by the names of what was created. */
    private final Map<String, JsonNode> users = new ConcurrentHashMap<>();

    private final Map<String, JsonNode> groups = new ConcurrentHashMap<>();

    @AfterEach
    void stopClients() throws InterruptedException {
        writing.set(false);
        for (Thread client : clients) {
            client.join();
        }
    }

    @Test
    void everyRetriedCreationHappensOnce() throws Exception {
        CommitProxy proxy = new CommitProxy(postgres.port());
        String java = "-Xmx256m -XX:TieredStopAtLevel=1 " + System.getProperty("directory.test.service", CLASSES);
        try (ServiceProcess service = new ServiceProcess(
                List.of(java.split(" ", -1)),
                "jdbc:postgresql://localhost:" + proxy.port() + "/postgres",
                Path.of("target", "idempotency.log"))) {
            service.awaitFirstAnswer();
            for (int i = 0; i < 8; i++) {
                clients.add(Thread.ofVirtual().start(() -> createAgainAndAgain(service)));
            }
            for (int i = 0; i < KILLS; i++) {
                awaitMore();
                if (i % 4 == 0) {
                    proxy.strike(service::kill);
                    service.killAndRestart();
                } else {
                    proxy.strike(postgres::kill);
                    postgres.restart();
                }
            }
            Waiting.until(() -> lost.get() >= LOST_RESPONSES);
            stopClients();
        }
        assertThat(users.values()).allSatisfy(IdempotencyFaultsTest::isAccepted);
        assertThat(groups.values()).allSatisfy(IdempotencyFaultsTest::isAccepted);
        assertThat(postgres.jdbc().queryForList("select name from users", String.class))
                .containsExactlyInAnyOrderElementsOf(users.keySet());
        assertThat(postgres.jdbc().queryForList("select name from groups", String.class))
                .containsExactlyInAnyOrderElementsOf(groups.keySet());
        assertThat(postgres.jdbc()
                        .queryForObject("select count(*) from user_events where type like '%CREATED'", Integer.class))
                .isEqualTo(users.size() + groups.size());
    }

    private static void isAccepted(JsonNode answer) {
        assertThat(answer.at("/data/result/errors")).isEmpty();
        assertThat(answer.at("/data/result/object").findValuesAsString("id"))
                .hasSize(1)
                .doesNotContain("");
    }

    private void awaitMore() {
        int before = users.size() + groups.size();
        Waiting.until(() -> users.size() + groups.size() > before + 20);
    }

    private void createAgainAndAgain(ServiceProcess service) {
        while (writing.get()) {
            String name = UUID.randomUUID().toString();
            int kind = ThreadLocalRandom.current().nextInt(CREATIONS.size());
            String document = "mutation ($name: String!, $email: String!, $key: String!) { result: "
                    + CREATIONS.get(kind) + " errors { code } } }";
            Map<String, JsonNode> created = kind < CREATIONS.size() - 1 ? users : groups;
            created.put(
                    name, create(service, document, Map.of("name", name, "email", name + "@example.com", "key", name)));
        }
    }

    /** Loses some responses, and retries until there is one. */
    private JsonNode create(ServiceProcess service, String document, Map<String, String> variables) {
        while (true) {
            try {
                while (ThreadLocalRandom.current().nextBoolean()) {
                    loseResponse(service, document, variables);
                    lost.incrementAndGet();
                }
                return service.post(document, variables);
            } catch (IOException | IllegalStateException e) {
                if (!writing.get() && !service.isAlive()) {
                    throw new AssertionError("Not answered before the end", e);
                }
                // The service or PostgreSQL is restarting.
                pause();
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
        }
    }

    private static void loseResponse(ServiceProcess service, String document, Map<String, String> variables)
            throws IOException {
        byte[] body = JsonMapper.shared().writeValueAsBytes(Map.of("query", document, "variables", variables));
        try (Socket socket = new Socket("localhost", service.graphQl().getPort())) {
            String head = "POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                    + "Authorization: Bearer " + service.token() + "\r\nContent-Length: " + body.length + "\r\n\r\n";
            socket.getOutputStream().write(head.getBytes(StandardCharsets.US_ASCII));
            socket.getOutputStream().write(body);
            pause();
        }
    }

    private static void pause() {
        LockSupport.parkNanos(ThreadLocalRandom.current().nextInt(10_000_000));
    }
}
