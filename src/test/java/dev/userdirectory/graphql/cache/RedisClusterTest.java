package dev.userdirectory.graphql.cache;

import static org.assertj.core.api.Assertions.assertThat;

import dev.userdirectory.Client;
import dev.userdirectory.Directory;
import dev.userdirectory.DirectoryTest;
import dev.userdirectory.Soak;
import dev.userdirectory.Waiting;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisURI;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.api.sync.RedisCommands;
import io.micrometer.core.instrument.MeterRegistry;
import java.io.IOException;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.test.annotation.DirtiesContext;
import org.springframework.test.context.DynamicPropertyRegistry;
import org.springframework.test.context.DynamicPropertySource;
import org.springframework.test.context.TestPropertySource;
import redis.embedded.RedisServer;

/** Shares responses in a cluster of two nodes with half of the slots each. The instance itself caches none. */
@Soak("starts a Redis cluster")
@DirectoryTest
@DirtiesContext
@TestPropertySource(properties = "directory.cache.size=0B")
class RedisClusterTest {
    private static final String USER = "query ($id: ID!) { user(id: $id) { version } }";
    private static final int SLOTS = 16384;

    private static final List<Integer> PORTS = List.of(freePort(), freePort());
    private static List<RedisServer> servers = List.of();

    @DynamicPropertySource
    static void cluster(DynamicPropertyRegistry registry) throws Exception {
        servers = List.of(start(PORTS.get(0)), start(PORTS.get(1)));
        for (int node = 0; node < 2; node++) {
            int[] slots =
                    IntStream.range(node * SLOTS / 2, (node + 1) * SLOTS / 2).toArray();
            ask(PORTS.get(node), redis -> redis.clusterAddSlots(slots));
        }
        ask(PORTS.get(0), redis -> redis.clusterMeet("127.0.0.1", PORTS.get(1)));
        for (int port : PORTS) {
            Waiting.until(() -> ask(port, RedisCommands::clusterInfo).contains("cluster_state:ok"));
        }
        registry.add(
                "spring.data.redis.cluster.nodes",
                () -> PORTS.stream().map(port -> "127.0.0.1:" + port).collect(Collectors.joining(",")));
    }

    @AfterAll
    static void stop() throws IOException {
        for (RedisServer server : servers) {
            server.stop();
        }
    }

    @Test
    void responsesComeFromTheNodeThatHasTheirSlot(
            @Autowired Client client, @Autowired Directory directory, @Autowired MeterRegistry meters) {
        List<String> ids = directory.createUsers(20);
        client.data(USER, Map.of("id", ids.getFirst()));
        double before = sharedHits(meters);
        Waiting.until(() -> {
            ids.forEach(id -> client.data(USER, Map.of("id", id)));
            return sharedHits(meters) - before >= 20;
        });
        assertThat(PORTS)
                .allSatisfy(port -> assertThat((long) ask(port, RedisCommands::dbsize))
                        .as("answers on a node")
                        .isPositive());
    }

    private static double sharedHits(MeterRegistry meters) {
        return meters.get("directory.cache.requests")
                .tag("result", "shared hit")
                .counter()
                .count();
    }

    private static RedisServer start(int port) throws IOException {
        RedisServer server = RedisServer.newRedisServer()
                .port(port)
                .setting("bind 127.0.0.1")
                .setting("save \"\"")
                .setting("cluster-enabled yes")
                .setting("dir " + Files.createTempDirectory("redis"))
                .build();
        server.start();
        return server;
    }

    private static <T> T ask(int port, Function<RedisCommands<String, String>, T> command) {
        try (RedisClient client = RedisClient.create(RedisURI.create("127.0.0.1", port));
                StatefulRedisConnection<String, String> connection = client.connect()) {
            return command.apply(connection.sync());
        }
    }

    /** The nodes' own protocol uses a port ten thousand above it. */
    private static int freePort() {
        while (true) {
            int port = ThreadLocalRandom.current().nextInt(20_000, 30_000);
            try (ServerSocket clients = new ServerSocket(port);
                    ServerSocket nodes = new ServerSocket(port + 10_000)) {
                return port;
            } catch (IOException e) {
                // taken
            }
        }
    }
}
