package dev.userdirectory.graphql.cache;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.springframework.boot.data.redis.autoconfigure.DataRedisProperties;
import org.springframework.data.redis.connection.RedisStandaloneConfiguration;
import org.springframework.data.redis.connection.lettuce.LettuceClientConfiguration;
import org.springframework.data.redis.connection.lettuce.LettuceConnectionFactory;
import org.springframework.data.redis.core.StringRedisTemplate;

/** A Redis that accepts connections, and has never sent anything since the instance was started. */
@Timeout(120)
class SilentRedisTest {
    private static final int REQUESTS = 100;

    private final List<Socket> accepted = new CopyOnWriteArrayList<>();

    @Test
    void isTriedByOneRequestWhileTheOthersContinue() throws Exception {
        try (ServerSocket server = new ServerSocket(0, REQUESTS, InetAddress.getLoopbackAddress())) {
            Thread.startVirtualThread(() -> accept(server));
            LettuceConnectionFactory connections = new LettuceConnectionFactory(
                    new RedisStandaloneConfiguration("127.0.0.1", server.getLocalPort()),
                    LettuceClientConfiguration.builder()
                            .commandTimeout(Duration.ofSeconds(1))
                            .build());
            connections.afterPropertiesSet();
            connections.start();

            assertThat(readAll(connections)).hasSize(REQUESTS).containsOnlyNulls();

            connections.destroy();
        }
        // Another one may have been tried after the first one was given up, but not one by each request.
        assertThat(accepted).hasSizeBetween(1, 5);
        for (Socket socket : accepted) {
            socket.close();
        }
    }

    private static List<@Nullable CachedResponse> readAll(LettuceConnectionFactory connections) throws Exception {
        SharedStore store = new SharedStore(
                new StringRedisTemplate(connections), new DatabaseState(new NoDatabase()), new DataRedisProperties());
        List<Future<@Nullable CachedResponse>> reads = new ArrayList<>();
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < REQUESTS; i++) {
                String key = "key " + i;
                reads.add(threads.submit(() -> store.response(key)));
            }
        }
        List<@Nullable CachedResponse> found = new ArrayList<>();
        for (Future<@Nullable CachedResponse> read : reads) {
            found.add(read.get());
        }
        return found;
    }

    private void accept(ServerSocket server) {
        try {
            while (true) {
                accepted.add(server.accept());
            }
        } catch (IOException e) {
            // The test is over.
        }
    }

    private static final class NoDatabase implements CommittedChanges {
        @Override
        public boolean isUnchanged(String server, String snapshot) {
            throw new UnsupportedOperationException();
        }

        @Override
        public Changes since(@Nullable String snapshot) {
            throw new UnsupportedOperationException();
        }

        @Override
        public String identity() {
            throw new UnsupportedOperationException();
        }
    }
}
