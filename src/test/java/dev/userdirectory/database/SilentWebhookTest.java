package dev.userdirectory.database;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.sun.net.httpserver.HttpServer;
import dev.userdirectory.Directory;
import dev.userdirectory.DirectoryTest;
import dev.userdirectory.Soak;
import dev.userdirectory.TestPostgres;
import dev.userdirectory.Waiting;
import dev.userdirectory.database.FrozenDatabaseTest.Proxy;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.jdbc.autoconfigure.JdbcConnectionDetails;
import org.springframework.boot.test.context.TestConfiguration;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Import;
import org.springframework.context.annotation.Primary;
import org.springframework.test.context.DynamicPropertyRegistry;
import org.springframework.test.context.DynamicPropertySource;

/** The connection that holds a webhook's lock falls silent, and PostgreSQL does not learn that it is gone. */
@Soak("waits for timeouts of a silent network")
@DirectoryTest
@Import(SilentWebhookTest.Proxied.class)
class SilentWebhookTest {
    /** Longer than the service waits for PostgreSQL before it gives the connection up. */
    private static final Duration SILENCE = Duration.ofSeconds(3);
    /** Five seconds are promised on an idle machine, but a machine that runs tests may be busy. */
    private static final Duration RECOVERY = Duration.ofSeconds(10);

    private static final Queue<String> RECEIVED = new ConcurrentLinkedQueue<>();
    private static final HttpServer RECEIVER = receiver();
    private static volatile Duration pause = Duration.ZERO;

    @Autowired
    Directory directory;

    @Autowired
    Proxy proxy;

    @TestConfiguration(proxyBeanMethods = false)
    static class Proxied {
        @Bean(destroyMethod = "close")
        Proxy proxy(TestPostgres postgres) throws IOException {
            return new Proxy(postgres.jdbcConnectionDetails());
        }

        @Bean
        @Primary
        JdbcConnectionDetails proxied(Proxy proxy) {
            return proxy.details();
        }
    }

    @DynamicPropertySource
    static void webhook(DynamicPropertyRegistry properties) {
        properties.add("directory.webhooks[0].name", () -> "silent");
        properties.add(
                "directory.webhooks[0].url",
                () -> "http://127.0.0.1:" + RECEIVER.getAddress().getPort());
        properties.add("directory.webhooks[0].secret", () -> "whsec_YSBrZXkgb2YgYXQgbGVhc3QgMjQgYnl0ZXM=");
        // After a late response, the event would be sent again.
        properties.add("directory.webhooks[0].timeout", () -> "30s");
    }

    private static HttpServer receiver() {
        try {
            HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
            server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
            server.createContext("/", exchange -> {
                String body = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
                Pause.of(pause);
                RECEIVED.add(body);
                exchange.sendResponseHeaders(204, -1);
                exchange.close();
            });
            server.start();
            return server;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @AfterAll
    static void stopReceiver() {
        RECEIVER.stop(0);
    }

    @Test
    void deliversWithinTenSecondsAfterAShortSilence() throws Exception {
        awaitEventOf(directory.createUser());

        proxy.freeze();
        Thread.sleep(SILENCE);
        proxy.replace();
        long replaced = System.nanoTime();
        String user = await().atMost(RECOVERY)
                .ignoreExceptions()
                .until(() -> directory.createUsers(1), users -> users.size() == 1)
                .getFirst();
        awaitEventOf(user);

        Duration recovery = Duration.ofNanos(System.nanoTime() - replaced);
        System.out.println("The webhook recovered after " + recovery);
        assertThat(recovery).isLessThan(RECOVERY);
    }

    /** PostgreSQL ends connections that are silent for four seconds. */
    @Test
    void keepsItsConnectionWhileAReceiverTakesItsTime() {
        awaitEventOf(directory.createUser());
        pause = Duration.ofSeconds(6);
        try {
            String user = directory.createUser();
            awaitEventOf(user);
            pause = Duration.ZERO;
            String next = directory.createUser();
            awaitEventOf(next);

            assertThat(RECEIVED).filteredOn(event -> event.contains(user)).hasSize(1);
        } finally {
            pause = Duration.ZERO;
        }
    }

    private static void awaitEventOf(String user) {
        Waiting.until(() -> RECEIVED.stream().anyMatch(event -> event.contains(user)));
    }
}
