package dev.userdirectory.database;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.userdirectory.Client;
import dev.userdirectory.Instance;
import dev.userdirectory.Load;
import dev.userdirectory.PostgresServer;
import dev.userdirectory.Recovery;
import dev.userdirectory.Soak;
import dev.userdirectory.Waiting;
import dev.userdirectory.database.FrozenDatabaseTest.Proxy;
import dev.userdirectory.event.TrackedFollower;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.springframework.context.ConfigurableApplicationContext;

/** All packets between the service and PostgreSQL are lost for a while. All settings have their defaults. */
@Soak("waits for timeouts of a silent network")
@Timeout(600)
class SilentNetworkTest {
    /** The default is shorter to save time, but longer than any timeout that followers and requests wait for. */
    private static final Duration SILENCE = Duration.ofSeconds(Integer.getInteger("directory.test.silence", 12));

    private static final String QUIET = "--logging.level.root=off";

    @Test
    void nothingIsLost() throws Exception {
        PostgresServer server = new PostgresServer();
        Proxy proxy = new Proxy(server.details());
        try (ConfigurableApplicationContext service = Instance.start(proxy.details(), QUIET);
                Load load = new Load(service.getBean(Client.class))) {
            Recovery.isFastAfter("a silence of " + SILENCE, () -> {
                proxy.freeze();
                Thread.sleep(SILENCE);
                proxy.replace();
                return load.recovery();
            });
            load.end(server.jdbc());
            assertThat(load.followers()).noneMatch(TrackedFollower::isExpired);
        }
    }

    /** In that case all connections of the pool are silent, and the pool does not know it. */
    @Test
    void recoversAfterSilenceWithoutRequests() throws Exception {
        Proxy proxy = new Proxy(new PostgresServer().details());
        try (ConfigurableApplicationContext service = Instance.start(proxy.details(), QUIET)) {
            Client client = service.getBean(Client.class);
            Waiting.until(() -> reads(client));
            Thread.sleep(Duration.ofSeconds(1));

            proxy.replace();

            // Checking all ten connections in turn would take ten seconds and two requests.
            await().atMost(Duration.ofSeconds(5)).until(() -> reads(client));
        }
    }

    private static boolean reads(Client client) {
        return !client.execute("{ users(first: 1) { nodes { id } } }", Map.of()).has("errors");
    }
}
