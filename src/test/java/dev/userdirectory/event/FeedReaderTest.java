package dev.userdirectory.event;

import static org.assertj.core.api.Assertions.assertThat;

import com.zaxxer.hikari.HikariDataSource;
import dev.userdirectory.PostgresServer;
import dev.userdirectory.Waiting;
import dev.userdirectory.database.BackgroundThreads;
import dev.userdirectory.database.ImpatientThreads;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;
import java.util.Objects;
import org.flywaydb.core.Flyway;
import org.junit.jupiter.api.Test;
import org.springframework.boot.health.contributor.Status;
import org.springframework.boot.jdbc.autoconfigure.JdbcConnectionDetails;
import org.springframework.jdbc.core.JdbcTemplate;

class FeedReaderTest {
    private static final int EVENTS = 100_000;
    private static final Duration PATIENCE = Duration.ofSeconds(3);

    /** It takes longer than the patience, but each page takes a few milliseconds. */
    @Test
    void makesProgressWhileItReadsALargeTransaction() throws Exception {
        JdbcConnectionDetails server = new PostgresServer().details();
        BackgroundThreads threads = ImpatientThreads.after(PATIENCE);
        try (HikariDataSource pool = new HikariDataSource()) {
            pool.setJdbcUrl(server.getJdbcUrl());
            pool.setUsername(server.getUsername());
            pool.setPassword(server.getPassword());
            Flyway.configure()
                    .dataSource(pool)
                    .locations("filesystem:db/migration")
                    .load()
                    .migrate();
            JdbcTemplate jdbc = new JdbcTemplate(pool);
            EventProperties properties =
                    new EventProperties(Duration.ofDays(1), 100, true, PATIENCE, Duration.ofSeconds(10), null);
            LiveFeed live = new LiveFeed(properties);
            FeedReader reader = new FeedReader(
                    live,
                    new DirectoryEvents(jdbc, new EventRows(new Coverage())),
                    new RestoredFeed(jdbc),
                    new FeedConnections(pool, properties),
                    properties,
                    threads,
                    new SimpleMeterRegistry());
            reader.start();
            jdbc.update(
                    "insert into user_events (type, user_id) select 'UPDATED', uuidv7() from generate_series(1, ?)",
                    EVENTS);
            long last =
                    Objects.requireNonNull(jdbc.queryForObject("select max(sequence) from user_events", Long.class));

            Waiting.until(() -> {
                assertThat(threads.health().getStatus()).isEqualTo(Status.UP);
                return live.recent().end().sequence() == last;
            });
            reader.stop();
        }
    }
}
