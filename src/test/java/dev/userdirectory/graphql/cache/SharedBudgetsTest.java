package dev.userdirectory.graphql.cache;

import static dev.userdirectory.Ports.freePort;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.userdirectory.Client;
import dev.userdirectory.DirectoryTest;
import dev.userdirectory.Tokens;
import dev.userdirectory.Waiting;
import java.io.IOException;
import java.time.Duration;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.data.redis.core.StringRedisTemplate;
import org.springframework.test.context.DynamicPropertyRegistry;
import org.springframework.test.context.DynamicPropertySource;
import org.springframework.test.context.TestPropertySource;
import redis.embedded.RedisServer;

/** Budgets in a real Redis, which is emptied and stopped during the test. */
@DirectoryTest
@TestPropertySource(
        properties = {
            "directory.limits.cost=10",
            "directory.rate-limit.cost=10",
            "directory.rate-limit.period=1h",
            // Longer than a request waits even on a busy machine.
            "spring.data.redis.timeout=1s",
            "logging.level.dev.userdirectory.graphql.cache.SharedStore=error"
        })
class SharedBudgetsTest {
    private static final int PORT = freePort();
    private static RedisServer redis;

    @Autowired
    Client client;

    @Autowired
    StringRedisTemplate store;

    @BeforeAll
    static void startRedis() throws IOException {
        redis = RedisServer.newRedisServer()
                .port(PORT)
                .setting("bind 127.0.0.1")
                .setting("save \"\"")
                .build();
        redis.start();
    }

    @AfterAll
    static void stopRedis() throws IOException {
        redis.stop();
    }

    @DynamicPropertySource
    static void properties(DynamicPropertyRegistry registry) {
        registry.add("spring.data.redis.url", () -> "redis://localhost:" + PORT);
    }

    @Test
    void budgetsAreSharedWhileRedisIsAvailable() throws IOException {
        Client caller = client.withToken(Tokens.of("shared", "users:read"));
        // The first response may come before Redis is connected.
        await().atMost(Duration.ofMinutes(1)).ignoreExceptions().until(() -> {
            caller.post("{ __typename }");
            return !keys().isEmpty();
        });
        spendAll(caller);
        Waiting.until(() -> status(caller) == 429);
        assertThat(keys()).allSatisfy(key -> assertThat(store.getExpire(key)).isBetween(1L, 3_700L));

        await().ignoreExceptions().until(() -> {
            store.delete(keys());
            return status(caller) == 200;
        });

        redis.stop();
        spendAll(caller);
        Waiting.until(() -> status(caller) == 429);
    }

    private static void spendAll(Client caller) {
        for (int i = 0; i < 30; i++) {
            caller.post("{ __typename }");
        }
    }

    private static int status(Client caller) {
        return caller.post("{ __typename }").statusCode();
    }

    private Set<String> keys() {
        return store.keys("user-directory:budget:*");
    }
}
