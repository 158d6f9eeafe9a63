package dev.userdirectory.mutation;

import dev.userdirectory.database.Upkeep;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.dao.DataAccessException;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.scheduling.annotation.Scheduled;
import org.springframework.stereotype.Component;

/** Deletes idempotency keys past their retention, a thousand at a time, so that locks and transactions are short. */
@Component
class KeyTrimming implements Upkeep {
    private static final Logger log = LoggerFactory.getLogger(KeyTrimming.class);
    private static final int STEP = 1000;
    private static final Duration PAUSE = Duration.ofMillis(100);

    private final JdbcTemplate jdbc;
    private final IdempotencyProperties properties;

    KeyTrimming(JdbcTemplate jdbc, IdempotencyProperties properties) {
        this.jdbc = jdbc;
        this.properties = properties;
    }

    @Scheduled(initialDelayString = "1m", fixedDelayString = "1m")
    void trim() throws InterruptedException {
        try {
            run(ChronoUnit.FOREVER.getDuration());
        } catch (DataAccessException e) {
            log.warn("Deleting old idempotency keys failed, and will be tried again: {}", e.getMessage());
        }
    }

    @Override
    public void run(Duration time) throws InterruptedException {
        Instant start = Instant.now();
        while (trim(STEP) == STEP && Duration.between(start, Instant.now()).compareTo(time) < 0) {
            Thread.sleep(PAUSE);
        }
    }

    private int trim(int limit) {
        return jdbc.update("""
                delete from idempotency_keys where id = any(array(
                    select id from idempotency_keys
                    where created_at < now() - ? * interval '1 second'
                    order by created_at limit ?
                    for update skip locked))
                """, properties.retention().toSeconds(), limit);
    }
}
