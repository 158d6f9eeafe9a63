package dev.userdirectory.webhook;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpExchange;
import dev.userdirectory.PostgresServer;
import dev.userdirectory.ServiceProcess;
import dev.userdirectory.Soak;
import dev.userdirectory.Waiting;
import dev.userdirectory.relay.GlobalId;
import dev.userdirectory.user.User;
import dev.userdirectory.webhook.TestReceiver.Request;
import java.io.IOException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/**
 * Two processes of the service deliver to a receiver that fails, hangs and restarts, while transactions commit late and out
 * of order. Meanwhile each process, and PostgreSQL, is killed and restarted.
 */
@Soak("kills processes and PostgreSQL")
class WebhookFaultsTest {
    private final PostgresServer postgres = new PostgresServer();
    private final AtomicBoolean writing = new AtomicBoolean(true);
    private final List<Thread> writers = new ArrayList<>();

    @AfterEach
    void stopWriting() throws InterruptedException {
        writing.set(false);
        for (Thread writer : writers) {
            writer.join();
        }
    }

    @Test
    void everyEventArrivesInOrder() throws Exception {
        try (TestReceiver receiver = new TestReceiver();
                ServiceProcess first = service("first", receiver);
                ServiceProcess second = service("second", receiver)) {
            first.awaitFirstAnswer();
            second.awaitFirstAnswer();
            Waiting.until(() -> !postgres.jdbc()
                    .queryForList("select from webhooks where name = 'faults'")
                    .isEmpty());
            receiver.behave(WebhookFaultsTest::misbehave);
            for (int i = 0; i < 4; i++) {
                writers.add(Thread.ofVirtual().start(this::write));
            }
            awaitMore(receiver);
            first.killAndRestart();
            awaitMore(receiver);
            postgres.killAndRestart();
            awaitMore(receiver);
            receiver.stop();
            receiver.restart();
            awaitMore(receiver);
            second.killAndRestart();
            awaitMore(receiver);
            stopWriting();
            receiver.behave(TestReceiver::accept);

            List<String> table = table();
            Waiting.until(() -> last(receiver).equals(table.getLast()));
            assertThat(receiver.accepted().stream()
                            .collect(Collectors.toMap(
                                    Request::id, WebhookFaultsTest::event, (one, again) -> one, LinkedHashMap::new))
                            .values())
                    .containsExactlyElementsOf(table);
        }
    }

    private ServiceProcess service(String name, TestReceiver receiver) throws IOException {
        return new ServiceProcess(
                List.of(
                        "-Xmx256m",
                        "-XX:TieredStopAtLevel=1",
                        "-cp",
                        System.getProperty("java.class.path"),
                        "dev.userdirectory.UserDirectoryApplication"),
                Objects.requireNonNull(postgres.details().getJdbcUrl()),
                Path.of("target", "webhooks-" + name + ".log"),
                Map.of(
                        "DIRECTORY_WEBHOOKS_0_NAME", "faults",
                        "DIRECTORY_WEBHOOKS_0_URL", receiver.url().toString(),
                        "DIRECTORY_WEBHOOKS_0_SECRET", "whsec_c2VjcmV0IG9mIGF0IGxlYXN0IDI0IGJ5dGVz",
                        "DIRECTORY_WEBHOOKS_0_TIMEOUT", "300ms",
                        "DIRECTORY_WEBHOOKS_0_MAXDELAY", "20ms"));
    }

    private static int misbehave(HttpExchange exchange) throws InterruptedException {
        return switch (ThreadLocalRandom.current().nextInt(20)) {
            case 0 -> 500;
            case 1 -> 0;
            case 2 -> TestReceiver.hang(exchange);
            default -> TestReceiver.accept(exchange);
        };
    }

    private static void awaitMore(TestReceiver receiver) {
        int before = receiver.accepted().size();
        Waiting.until(() -> receiver.accepted().size() > before + 30);
    }

    private void write() {
        while (writing.get()) {
            try (Connection connection = postgres.connect();
                    Statement statement = connection.createStatement()) {
                connection.setAutoCommit(false);
                UUID id = UUID.randomUUID();
                statement.execute(
                        "insert into users (id, name, email, active, created_at, updated_at, version) values ('" + id
                                + "', 'Late', '" + id + "@example.com', true, now(), now(), 0)");
                Thread.sleep(ThreadLocalRandom.current().nextInt(100));
                connection.commit();
            } catch (SQLException e) {
                // PostgreSQL is restarting.
            } catch (InterruptedException e) {
                return;
            }
        }
    }

    /** All events in the order of the feed. */
    private List<String> table() {
        return postgres.jdbc()
                .query(
                        "select transaction, sequence, user_id from user_events order by transaction, sequence",
                        (row, number) -> row.getLong(1) + "-" + row.getLong(2) + " "
                                + new GlobalId(User.TYPE, row.getObject(3, UUID.class)));
    }

    private static String event(Request request) {
        return request.id().substring(0, request.id().lastIndexOf('-')) + " "
                + request.event().get("subject").asString();
    }

    private static String last(TestReceiver receiver) {
        return event(receiver.accepted().getLast());
    }
}
