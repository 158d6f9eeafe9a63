package dev.userdirectory.webhook;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.userdirectory.Directory;
import dev.userdirectory.DirectoryTest;
import dev.userdirectory.PostgresServer;
import dev.userdirectory.Soak;
import dev.userdirectory.Waiting;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.jdbc.autoconfigure.JdbcConnectionDetails;
import org.springframework.boot.test.context.TestConfiguration;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Import;
import org.springframework.context.annotation.Primary;
import org.springframework.test.context.DynamicPropertyRegistry;
import org.springframework.test.context.DynamicPropertySource;

/** The database is restored to an older state, on the same timeline, and with it the webhook's cursor. */
@Soak("restores PostgreSQL")
@DirectoryTest
@Import(RestoredWebhookTest.OwnServer.class)
class RestoredWebhookTest {
    private static final PostgresServer SERVER = new PostgresServer();
    private static final TestReceiver RECEIVER = receiver();

    @Autowired
    Directory directory;

    @TestConfiguration(proxyBeanMethods = false)
    static class OwnServer {
        @Bean
        @Primary
        JdbcConnectionDetails ownServer() {
            return SERVER.details();
        }
    }

    @DynamicPropertySource
    static void webhook(DynamicPropertyRegistry properties) {
        properties.add("directory.webhooks[0].name", () -> "restored");
        properties.add("directory.webhooks[0].url", RECEIVER::url);
        properties.add("directory.webhooks[0].secret", () -> "whsec_YSBrZXkgb2YgYXQgbGVhc3QgMjQgYnl0ZXM=");
    }

    private static TestReceiver receiver() {
        try {
            return new TestReceiver();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void receiverOfALostEventIsTold() throws Exception {
        Waiting.until(() -> !SERVER.jdbc().queryForList("select from webhooks").isEmpty());
        String kept = directory.createUser();
        Waiting.until(() -> subjects().contains(kept));
        Path copy = SERVER.copy();
        String lost = directory.createUser();
        Waiting.until(() -> subjects().contains(lost));

        SERVER.restore(copy, false);
        String after = await().atMost(Duration.ofSeconds(30))
                .ignoreExceptions()
                .until(() -> directory.createUsers(1), users -> users.size() == 1)
                .getFirst();
        Waiting.until(() -> types().contains("dev.userdirectory.EventsExpired"));
        String last = directory.createUser();
        Waiting.until(() -> subjects().contains(last));

        assertThat(types()).containsOnlyOnce("dev.userdirectory.EventsExpired");
        assertThat(directory.user(lost).isNull()).isTrue();
        assertThat(directory.user(after).isNull()).isFalse();
    }

    private static List<String> subjects() {
        return RECEIVER.accepted().stream()
                .map(request -> request.event().path("subject").asString(""))
                .toList();
    }

    private static List<String> types() {
        return RECEIVER.accepted().stream()
                .map(request -> request.event().get("type").asString())
                .toList();
    }
}
