package dev.userdirectory;

import static org.assertj.core.api.Assertions.assertThat;

import dev.userdirectory.mirror.Follower;
import dev.userdirectory.mirror.Mirror;
import dev.userdirectory.mirror.Mirror.Event;
import dev.userdirectory.mirror.PageReader;
import dev.userdirectory.mirror.Subscriber;
import dev.userdirectory.mirror.Tables;
import dev.userdirectory.mirror.WebhookReader;
import dev.userdirectory.mirror.Writers;
import dev.userdirectory.webhook.TestReceiver;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.springframework.boot.logging.LogLevel;
import org.springframework.boot.logging.LoggingSystem;

/**
 * Two instances of the packaged service share one database. Twelve writers change users, groups and memberships, and
 * commit late and out of order. Meanwhile, PostgreSQL and each instance are killed and restarted. Copies of the directory
 * are kept by subscribers, by a webhook whose receiver fails, hangs and restarts, and by readers that start with an export.
 * Each copy ends with exactly what the tables contain. {@code -Ddirectory.test.soak=600} runs the test for ten minutes.
 */
class NothingIsLostIT {
    private static final Duration TIME = Duration.ofSeconds(Integer.getInteger("directory.test.soak", 6));
    private static final int FAULTS = 4;

    private final PostgresServer postgres = new PostgresServer();
    private final Tables tables = new Tables(postgres.jdbc());
    private final List<Follower> fromTheBeginning = new ArrayList<>();
    private final List<Follower> fromExports = new ArrayList<>();

    /** This JVM has no application context that would configure logging. */
    @BeforeAll
    static void logOnlyWarnings() {
        LoggingSystem.get(NothingIsLostIT.class.getClassLoader())
                .setLogLevel(LoggingSystem.ROOT_LOGGER_NAME, LogLevel.WARN);
    }

    @Test
    void everyCopyEndsWithWhatTheTablesContain() throws Exception {
        try (TestReceiver receiver = new TestReceiver();
                ServiceProcess first = service("nothing-is-lost-1", receiver);
                ServiceProcess second = service("nothing-is-lost-2", receiver)) {
            List<ServiceProcess> services = List.of(first, second);
            follow(services, receiver);
            try (Writers writers = new Writers(postgres, services)) {
                exportAndFollow(services);
                postgres.killAndRestart();
                exportAndFollow(services);
                first.killAndRestart();
                exportAndFollow(services);
                receiver.stop();
                receiver.restart();
                second.killAndRestart();
                exportAndFollow(services);
                writers.stop();
                receiver.behave(TestReceiver::accept);
                assertThatNothingIsLost(writers, writers.createUser(first));
            }
        }
    }

    @AfterEach
    void stopFollowers() {
        followers().forEach(Follower::close);
    }

    private ServiceProcess service(String name, TestReceiver receiver) throws IOException {
        String url = Objects.requireNonNull(postgres.details().getJdbcUrl());
        return ServiceProcess.ofJar(name, url, WebhookReader.configuration(receiver));
    }

    /** Is called while the directory is empty, so that these followers get every event. */
    private void follow(List<ServiceProcess> services, TestReceiver receiver) throws Exception {
        for (ServiceProcess service : services) {
            service.awaitFirstAnswer();
        }
        Waiting.until(
                () -> !postgres.jdbc().queryForList("select from webhooks").isEmpty());
        fromTheBeginning.add(Subscriber.overWebSocket(export(services), services));
        fromTheBeginning.add(Subscriber.overEventStream(export(services), services));
        fromTheBeginning.add(WebhookReader.start(export(services), services, receiver));
        receiver.behave(WebhookReader::misbehave);
    }

    /** Returns after some time, and after every copy has received more events. */
    private void exportAndFollow(List<ServiceProcess> services) throws Exception {
        fromExports.add(PageReader.start(export(services), services));
        Thread.sleep(TIME.dividedBy(FAULTS));
        followers().forEach(Follower::awaitMore);
    }

    /** Retries, since the instance may just have been killed. */
    private static Mirror export(List<ServiceProcess> services) {
        AtomicReference<Mirror> mirror = new AtomicReference<>();
        Waiting.until(() -> {
            try {
                mirror.set(new Mirror(services.getFirst().export()));
                return true;
            } catch (IOException | RuntimeException e) {
                return false;
            }
        });
        return mirror.get();
    }

    private List<Follower> followers() {
        return Stream.concat(fromTheBeginning.stream(), fromExports.stream()).toList();
    }

    private void assertThatNothingIsLost(Writers writers, String last) throws Exception {
        for (Follower follower : followers()) {
            Mirror mirror = follower.awaitEnd(last);
            System.out.println(follower);
            assertThat(mirror.objects()).as("%s", follower).isEqualTo(tables.objects());
            assertThat(mirror.members()).as("%s", follower).isEqualTo(tables.members());
        }
        List<Event> events = tables.events();
        for (Follower follower : fromTheBeginning) {
            assertThat(follower.awaitEnd(last).events()).as("%s", follower).isEqualTo(events);
        }
        for (Follower follower : fromExports) {
            Mirror mirror = follower.awaitEnd(last);
            assertThat(mirror.events()).as("%s", follower).isEqualTo(tables.eventsAfter(mirror.start()));
        }
        assertThat(events).extracting(Event::change).containsAll(writers.acknowledged());
        assertThat(writers.failures()).isPositive();
        System.out.printf(
                "%d events, %d acknowledged changes, %d writes that failed%n",
                events.size(), writers.acknowledged().size(), writers.failures());
    }
}
