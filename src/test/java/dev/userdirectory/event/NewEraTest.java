package dev.userdirectory.event;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.userdirectory.Client;
import dev.userdirectory.Directory;
import dev.userdirectory.DirectoryTest;
import dev.userdirectory.PostgresServer;
import dev.userdirectory.TestPostgres.Statements;
import dev.userdirectory.Waiting;
import dev.userdirectory.subscription.SubscriptionEnded;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.jdbc.autoconfigure.JdbcConnectionDetails;
import org.springframework.boot.test.context.TestConfiguration;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Import;
import org.springframework.context.annotation.Primary;
import org.springframework.dao.QueryTimeoutException;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.jdbc.core.RowMapper;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;
import tools.jackson.databind.JsonNode;

/** Followers within this instance, when its database begins another era. */
@DirectoryTest
@Import(NewEraTest.OwnServer.class)
class NewEraTest {
    private static final PostgresServer SERVER = new PostgresServer();

    @Autowired
    Client client;

    @Autowired
    Directory directory;

    @Autowired
    EventFeed feed;

    @Autowired
    DirectoryEvents events;

    @Autowired
    Statements statements;

    @Autowired
    EventProperties properties;

    @Autowired
    JdbcTemplate jdbc;

    @TestConfiguration(proxyBeanMethods = false)
    static class OwnServer {
        @Bean
        @Primary
        JdbcConnectionDetails ownServer() {
            return SERVER.details();
        }
    }

    @Test
    void followerIsToldOfALossBetweenTheCheckOfItsCursorAndItsFirstEvent() {
        directory.createUser();
        Position seen = end();
        RecentEvents before = feed.recent();
        assertThat(events.isKept(seen, EventFilter.ALL)).isTrue();

        beginEraThatLacksEverything(before);

        assertThatThrownBy(() -> feed.follow(seen, EventFilter.ALL, before).blockFirst(Duration.ofSeconds(20)))
                .isInstanceOf(SubscriptionEnded.class);
    }

    @Test
    void followerIsToldOfALossAlthoughItsFirstReadFails() {
        directory.createUser();
        Position seen = end();
        RecentEvents before = feed.recent();
        beginEraThatLacksEverything(before);
        FailsOnce failing = new FailsOnce(jdbc);
        Follower follower =
                new Follower(events.over(failing), "somebody", feed::recent, properties, seen, EventFilter.ALL, before);

        assertThatThrownBy(() -> Flux.<List<DirectoryEvent>>generate(follower::replay)
                        .take(3)
                        .blockLast(Duration.ofSeconds(20)))
                .isInstanceOf(SubscriptionEnded.class);
        assertThat(failing.failures).isOne();
    }

    private static final class FailsOnce extends JdbcTemplate {
        private int failures;

        FailsOnce(JdbcTemplate original) {
            super(Objects.requireNonNull(original.getDataSource()));
        }

        @Override
        public <T extends @Nullable Object> List<T> query(
                String sql, RowMapper<T> rows, @Nullable Object @Nullable ... args) {
            if (failures == 0) {
                failures++;
                throw new QueryTimeoutException("No connection was free");
            }
            return super.query(sql, rows, args);
        }
    }

    private void beginEraThatLacksEverything(RecentEvents before) {
        SERVER.jdbc()
                .update("insert into feed_eras (system_identifier, timeline, server_started, events, began_after)"
                        + " select system_identifier, timeline, server_started, events, '0/0' from feed_eras"
                        + " order by number desc limit 1");
        Waiting.until(() -> feed.recent() != before);
    }

    @Test
    void followersContinueFromMemoryAfterARestart() throws Exception {
        directory.createUser();
        Position start = end();
        Queue<DirectoryEvent> received = new ConcurrentLinkedQueue<>();
        List<Disposable> followers = new ArrayList<>();
        try {
            for (int i = 0; i < 20; i++) {
                followers.add(feed.follow(start, EventFilter.ALL, feed.recent()).subscribe(received::add));
            }
            directory.createUser();
            Waiting.until(() -> received.size() == 20);
            statements.clear();

            SERVER.killAndRestart();
            // With a key, so that an attempt whose commit was not acknowledged does not create a second user.
            String create = """
                    mutation { createUser(name: "Once", email: "%s", idempotencyKey: "once") { user { id } } }
                    """.formatted(Directory.newEmail());
            await().atMost(Duration.ofSeconds(30))
                    .ignoreExceptions()
                    .until(() -> client.data(create).at("/createUser/user/id").isString());
            Waiting.until(() -> received.size() >= 40);

            assertThat(received).hasSize(40);
            assertThat(statements.executed()).noneMatch(sql -> sql.contains("feed_has"));
        } finally {
            followers.forEach(Disposable::dispose);
        }
    }

    private Position end() {
        return FeedCursors.position(await().until(
                        () -> client.data("{ userEvents(first: 0) { newestCursor } }")
                                .at("/userEvents/newestCursor"),
                        JsonNode::isString)
                .asString());
    }
}
