package dev.userdirectory.cache;

import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.boot.autoconfigure.condition.ConditionalOnExpression;
import org.springframework.data.redis.core.StringRedisTemplate;
import org.springframework.stereotype.Component;
import tools.jackson.databind.json.JsonMapper;

/**
 * The answers of all instances, in Redis. Redis is a help, never a need: once it fails or is slow, it is left alone for a
 * second, and whatever it returns is held against the {@link DatabaseState} like any answer.
 */
@Component
@ConditionalOnExpression("'${spring.data.redis.url:}${spring.data.redis.cluster.nodes:}' != ''")
class SharedAnswers {
    private static final Logger log = LoggerFactory.getLogger(SharedAnswers.class);
    private static final Duration PAUSE = Duration.ofSeconds(1);
    private static final JsonMapper JSON = JsonMapper.shared();
    private static final String PREFIX = "user-directory:answer:";

    private final StringRedisTemplate redis;
    private volatile long pausedUntil = System.nanoTime();

    SharedAnswers(StringRedisTemplate redis) {
        this.redis = redis;
    }

    @Nullable
    Answer get(String key) {
        if (isPaused()) {
            return null;
        }
        try {
            String value = redis.opsForValue().get(PREFIX + key);
            return value == null ? null : JSON.readValue(value, Answer.class);
        } catch (RuntimeException e) {
            pause(e);
            return null;
        }
    }

    /** Returns at once. */
    void put(String key, Answer answer) {
        if (!isPaused()) {
            Thread.startVirtualThread(() -> {
                try {
                    redis.opsForValue().set(PREFIX + key, JSON.writeValueAsString(answer), answer.remaining());
                } catch (RuntimeException e) {
                    pause(e);
                }
            });
        }
    }

    boolean isPaused() {
        return pausedUntil - System.nanoTime() > 0;
    }

    private void pause(RuntimeException e) {
        if (!isPaused()) {
            log.warn("Answers are not shared for the next {} s: {}", PAUSE.toSeconds(), e.toString());
        }
        pausedUntil = System.nanoTime() + PAUSE.toNanos();
    }
}
