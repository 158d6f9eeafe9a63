package dev.userdirectory.graphql.cache;

import dev.userdirectory.database.CircuitBreaker;
import dev.userdirectory.graphql.document.Sha256;
import dev.userdirectory.graphql.document.SharedDocuments;
import dev.userdirectory.graphql.limit.SharedBudgets;
import io.github.bucket4j.BucketConfiguration;
import io.github.bucket4j.ConsumptionProbe;
import io.github.bucket4j.distributed.ExpirationAfterWriteStrategy;
import io.github.bucket4j.distributed.proxy.ProxyManager;
import io.github.bucket4j.redis.lettuce.Bucket4jLettuce;
import io.lettuce.core.AbstractRedisClient;
import io.lettuce.core.RedisClient;
import io.lettuce.core.cluster.RedisClusterClient;
import io.lettuce.core.codec.ByteArrayCodec;
import io.lettuce.core.codec.RedisCodec;
import io.lettuce.core.codec.StringCodec;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.Executor;
import java.util.concurrent.Semaphore;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.boot.autoconfigure.condition.ConditionalOnExpression;
import org.springframework.boot.data.redis.autoconfigure.DataRedisProperties;
import org.springframework.data.redis.connection.lettuce.LettuceConnectionFactory;
import org.springframework.data.redis.core.StringRedisTemplate;
import org.springframework.stereotype.Component;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.json.JsonMapper;

/**
 * Redis, through which all instances share responses, persisted queries and budgets. The service also works without
 * Redis: after a failure or a timeout, it does not call Redis for one second. Several databases can share a Redis: the
 * keys of responses and budgets name the database, and documents are checked by their hash.
 */
@Component
@ConditionalOnExpression("'${spring.data.redis.url:}${spring.data.redis.cluster.nodes:}' != ''")
class SharedStore implements SharedDocuments, SharedBudgets {
    private static final Logger log = LoggerFactory.getLogger(SharedStore.class);
    private static final Duration DEFAULT_TIMEOUT = Duration.ofSeconds(1);
    private static final Duration KEEP_DOCUMENT = Duration.ofDays(1);
    /** In bytes. Larger responses would take up memory, here and in Redis, that nobody has reserved. */
    private static final int MAX_RESPONSE = 64 * 1024;

    /** How long a budget is kept after it has become full again. */
    private static final Duration KEEP_BUDGET = Duration.ofSeconds(10);

    private static final JsonMapper JSON = JsonMapper.shared();
    private static final String RESPONSE = "user-directory:response:";
    private static final String DOCUMENT = "user-directory:document:";
    private static final String BUDGET = "user-directory:budget:";

    private final StringRedisTemplate redis;
    private final DatabaseState database;
    private final Duration timeout;
    private final CircuitBreaker breaker = new CircuitBreaker(log, "Redis is not used");
    /** Until Redis works, one request at a time tries it, since the others would wait for its attempt to connect. */
    private final Semaphore trial = new Semaphore(1);

    /** Writes in the background. If they take too long, others are dropped, so that they cannot pile up. */
    private final Executor writes = new ThreadPoolExecutor(
            4,
            4,
            0,
            TimeUnit.SECONDS,
            new ArrayBlockingQueue<>(32),
            Thread.ofVirtual().factory(),
            new ThreadPoolExecutor.DiscardPolicy());

    private volatile boolean works;
    private @Nullable ProxyManager<String> budgets;

    SharedStore(StringRedisTemplate redis, DatabaseState database, DataRedisProperties properties) {
        this.redis = redis;
        this.database = database;
        this.timeout = Objects.requireNonNullElse(properties.getTimeout(), DEFAULT_TIMEOUT);
    }

    @Nullable
    CachedResponse response(String key) {
        String value = get(RESPONSE + key);
        try {
            return value == null ? null : JSON.readValue(value, CachedResponse.class);
        } catch (JacksonException e) {
            // Written by another version during a rolling update.
            return null;
        }
    }

    /** Stores the response in the background, unless it is large. */
    void putResponse(String key, CachedResponse response) {
        if (response.json().length <= MAX_RESPONSE) {
            writes.execute(() -> put(RESPONSE + key, JSON.writeValueAsString(response), response.remaining()));
        }
    }

    @Override
    public @Nullable String document(String hash) {
        return get(DOCUMENT + hash);
    }

    @Override
    public void putDocument(String hash, String document) {
        writes.execute(() -> put(DOCUMENT + hash, document, KEEP_DOCUMENT));
    }

    @Override
    public @Nullable ConsumptionProbe spend(String account, long cost, BucketConfiguration budget) {
        String identity = database.identity();
        return identity == null
                ? null
                : call(() -> budgets()
                        .builder()
                        .build(BUDGET + Sha256.hex(identity + ' ' + account), () -> budget)
                        .tryConsumeAndReturnRemaining(cost));
    }

    /** Connects when first needed, since Redis may start later than the service. */
    private synchronized ProxyManager<String> budgets() {
        ProxyManager<String> known = budgets;
        if (known == null) {
            RedisCodec<String, byte[]> codec = RedisCodec.of(StringCodec.UTF8, ByteArrayCodec.INSTANCE);
            AbstractRedisClient client =
                    ((LettuceConnectionFactory) redis.getRequiredConnectionFactory()).getRequiredNativeClient();
            known = (client instanceof RedisClusterClient cluster
                            ? Bucket4jLettuce.casBasedBuilder(cluster.connect(codec))
                            : Bucket4jLettuce.casBasedBuilder(((RedisClient) client).connect(codec)))
                    .expirationAfterWrite(
                            ExpirationAfterWriteStrategy.basedOnTimeForRefillingBucketUpToMax(KEEP_BUDGET))
                    .requestTimeout(timeout)
                    .build();
            budgets = known;
        }
        return known;
    }

    private @Nullable String get(String key) {
        return call(() -> redis.opsForValue().get(key));
    }

    private void put(String key, String value, Duration life) {
        call(() -> {
            redis.opsForValue().set(key, value, life);
            return value;
        });
    }

    /** Returns null if Redis fails, if calls to it are paused, or if another call is trying it. */
    private <T> @Nullable T call(Supplier<? extends @Nullable T> command) {
        boolean isTrial = !works;
        if (isPaused() || (isTrial && !trial.tryAcquire())) {
            return null;
        }
        try {
            T result = command.get();
            breaker.succeeded();
            works = true;
            return result;
        } catch (RuntimeException e) {
            works = false;
            breaker.open(e);
            return null;
        } finally {
            if (isTrial) {
                trial.release();
            }
        }
    }

    boolean isPaused() {
        return breaker.isOpen();
    }

    boolean isFailing() {
        return breaker.isFailing();
    }
}
