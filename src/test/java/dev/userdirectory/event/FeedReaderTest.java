package dev.userdirectory.event;

import static org.assertj.core.api.Assertions.assertThat;

import com.zaxxer.hikari.HikariDataSource;
import dev.userdirectory.PostgresServer;
import dev.userdirectory.Waiting;
import dev.userdirectory.database.BackgroundThreads;
import dev.userdirectory.database.ImpatientThreads;
import dev.userdirectory.generated.types.DirectoryEventType;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Objects;
import java.util.UUID;
import org.flywaydb.core.Flyway;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.springframework.boot.health.contributor.Status;
import org.springframework.boot.jdbc.autoconfigure.JdbcConnectionDetails;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.jdbc.support.JdbcTransactionManager;
import org.springframework.transaction.support.TransactionTemplate;

class FeedReaderTest {
    private static final int EVENTS = 100_000;
    private static final Duration PATIENCE = Duration.ofSeconds(2);

    private final HikariDataSource pool = new HikariDataSource();
    private final JdbcTemplate jdbc = new JdbcTemplate(pool);
    private final EventProperties properties =
            new EventProperties(Duration.ofDays(1), 100, true, PATIENCE, Duration.ofSeconds(10), null);
    private final LiveFeed live = new LiveFeed(properties, inTransactions());
    private final BackgroundThreads threads = ImpatientThreads.after(PATIENCE);
    private final FeedReader reader;

    FeedReaderTest() throws Exception {
        JdbcConnectionDetails server = new PostgresServer().details();
        pool.setJdbcUrl(server.getJdbcUrl());
        pool.setUsername(server.getUsername());
        pool.setPassword(server.getPassword());
        reader = new FeedReader(
                live,
                new DirectoryEvents(jdbc, new EventRows(new Coverage())),
                new FeedConnections(pool, properties),
                properties,
                threads,
                new SimpleMeterRegistry());
    }

    @BeforeEach
    void start() {
        Flyway.configure()
                .dataSource(pool)
                .locations("filesystem:db/migration")
                .load()
                .migrate();
        reader.start();
    }

    @AfterEach
    void stop() {
        reader.stop();
        pool.close();
    }

    /** It takes longer than the patience, but each page takes a few milliseconds. */
    @Test
    void makesProgressWhileItReadsALargeTransaction() throws Exception {
        append(EVENTS);
        long last = last();
        long started = System.nanoTime();

        Waiting.until(() -> {
            assertThat(threads.health().getStatus()).isEqualTo(Status.UP);
            return live.recent().end().sequence() == last;
        });
        assertThat(Duration.ofNanos(System.nanoTime() - started))
                .as("Otherwise this test shows nothing")
                .isGreaterThan(PATIENCE);
    }

    /** As if the database had been restored into a server that has had fewer transactions, behind the same address. */
    @Test
    void startsAnewIfItsTransactionsAreInTheFutureOfAnotherServer() throws Exception {
        append(1);
        Waiting.until(() -> live.recent().end().sequence() == last());
        RecentEvents before = live.recent();
        Position read = before.end();
        Position ahead = new Position(
                read.transaction() + 1_000_000,
                read.sequence(),
                new Position.Seen(
                        live.era(), Objects.requireNonNull(jdbc.queryForObject("select feed_wal()", Long.class))));
        live.add(List.of(new DirectoryEvent(
                ahead,
                0,
                DirectoryEventType.USER_UPDATED,
                UUID.randomUUID(),
                null,
                List.of(),
                null,
                OffsetDateTime.now(ZoneOffset.UTC))));
        jdbc.execute("update user_events set transaction = " + ahead.transaction()
                + "; insert into feed_eras (system_identifier, timeline, server_started, events, began_after)"
                + " select system_identifier, timeline, server_started, events, 'F/0' from feed_eras"
                + " order by number desc limit 1");
        Waiting.until(() -> live.recent() != before);

        append(1);

        Waiting.until(() -> live.recent().end().sequence() == last());
        assertThat(live.recent().end().transaction()).isLessThan(ahead.transaction());
    }

    /** As the application context runs it. */
    private RestoredFeed inTransactions() {
        TransactionTemplate transaction = new TransactionTemplate(new JdbcTransactionManager(pool));
        return new RestoredFeed(jdbc) {
            @Override
            int deleteIfForeign() {
                return Objects.requireNonNull(transaction.execute(status -> super.deleteIfForeign()));
            }
        };
    }

    private void append(int events) {
        jdbc.update(
                "insert into user_events (type, user_id) select 'UPDATED', uuidv7() from generate_series(1, ?)",
                events);
    }

    private long last() {
        return Objects.requireNonNull(jdbc.queryForObject("select max(sequence) from user_events", Long.class));
    }
}
