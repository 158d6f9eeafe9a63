package dev.userdirectory.webhook;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.userdirectory.Directory;
import dev.userdirectory.DirectoryTest;
import dev.userdirectory.PostgresServer;
import dev.userdirectory.Soak;
import dev.userdirectory.Waiting;
import dev.userdirectory.database.BackgroundThreads;
import dev.userdirectory.event.OtherInstance;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.jdbc.autoconfigure.JdbcConnectionDetails;
import org.springframework.boot.test.context.TestConfiguration;
import org.springframework.context.ApplicationContext;
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

    @Autowired
    Webhooks webhooks;

    @Autowired
    WebhookProperties properties;

    @Autowired
    BackgroundThreads threads;

    @Autowired
    ApplicationContext service;

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
    void tellsReceiverThatAnEventWasLost() throws Exception {
        Waiting.until(() -> !SERVER.jdbc().queryForList("select from webhooks").isEmpty());
        String kept = directory.createUser();
        Waiting.until(() -> subjects().contains(kept));
        Path copy = SERVER.copy();
        String lost = directory.createUser();
        Waiting.until(() -> subjects().contains(lost));

        long told = told();
        SERVER.restore(copy, false);
        String after = await().atMost(Duration.ofSeconds(30))
                .ignoreExceptions()
                .until(() -> directory.createUsers(1), users -> users.size() == 1)
                .getFirst();
        Waiting.until(() -> told() > told);
        String last = directory.createUser();
        Waiting.until(() -> subjects().contains(last));

        assertThat(told()).isEqualTo(told + 1);
        assertThat(directory.user(lost).isNull()).isTrue();
        assertThat(directory.user(after).isNull()).isFalse();
    }

    /** The instance that has seen the lost event no longer delivers, and the delivering instance has not seen it. */
    @Test
    void instanceThatStartedLaterTellsTheReceiver() throws Exception {
        Waiting.until(() -> !SERVER.jdbc().queryForList("select from webhooks").isEmpty());
        Path copy = SERVER.copy();
        String lost = directory.createUser();
        Waiting.until(() -> subjects().contains(lost));
        webhooks.stop();

        SERVER.restore(copy, false);
        await().atMost(Duration.ofSeconds(30))
                .ignoreExceptions()
                .until(() -> directory.createUsers(1), users -> users.size() == 1);
        long told = told();
        try (OtherInstance later = new OtherInstance(service)) {
            Webhooks other = new Webhooks(properties, later.events(), threads, new SimpleMeterRegistry());
            other.start();
            try {
                Waiting.until(() -> told() > told);
                String last = directory.createUser();
                Waiting.until(() -> subjects().contains(last));
            } finally {
                other.stop();
                webhooks.start();
            }
        }
        assertThat(told()).isEqualTo(told + 1);
    }

    /** Until then, the webhook cannot know whether the new era lacks events. */
    @Test
    void reportsALagUntilTheReaderHasCheckedTheEra() throws Exception {
        SimpleMeterRegistry meters = new SimpleMeterRegistry();
        webhooks.stop();
        try (OtherInstance other = new OtherInstance(service)) {
            Webhooks unchecked = new Webhooks(properties, other.events(), threads, meters);
            RECEIVER.behave(exchange -> 500);
            unchecked.start();
            try {
                directory.createUser();
                Waiting.until(() -> lag(meters) > 0);
                other.close();
                SERVER.jdbc()
                        .update(
                                "insert into feed_eras (system_identifier, timeline, server_started, events, began_after)"
                                        + " select system_identifier, timeline, server_started, events, pg_current_wal_insert_lsn()"
                                        + " from feed_eras order by number desc limit 1");
                String last = directory.createUser();
                int accepted = RECEIVER.accepted().size();
                RECEIVER.behave(TestReceiver::accept);
                Waiting.until(() -> RECEIVER.accepted().size() > accepted);

                assertThat(Waiting.briefly(() -> lag(meters) == 0)).isFalse();
                assertThat(subjects()).doesNotContain(last);
            } finally {
                RECEIVER.behave(TestReceiver::accept);
                unchecked.stop();
                webhooks.start();
            }
        }
    }

    private static double lag(SimpleMeterRegistry meters) {
        return meters.get("directory.webhook.lag").timeGauge().value(TimeUnit.SECONDS);
    }

    private static long told() {
        return types().stream()
                .filter("dev.userdirectory.EventsExpired"::equals)
                .count();
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
