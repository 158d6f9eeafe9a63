package dev.userdirectory.event;

import java.sql.SQLException;
import java.time.Duration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.dao.DataAccessException;
import org.springframework.scheduling.annotation.EnableScheduling;
import org.springframework.scheduling.annotation.Scheduled;
import org.springframework.stereotype.Component;

/** Deletes events past their retention, a thousand at a time, so that locks and transactions are short. */
@Component
@EnableScheduling
class UserEventTrimming {
    private static final Logger log = LoggerFactory.getLogger(UserEventTrimming.class);
    private static final int STEP = 1000;
    private static final Duration PAUSE = Duration.ofMillis(100);

    private final FeedConnections connections;
    private final EventProperties properties;
    private final UserEvents events;

    UserEventTrimming(FeedConnections connections, EventProperties properties, UserEvents events) {
        this.connections = connections;
        this.properties = properties;
        this.events = events;
    }

    @Scheduled(
            initialDelayString = "${directory.events.trim-interval:1m}",
            fixedDelayString = "${directory.events.trim-interval:1m}")
    void trim() throws InterruptedException {
        try (FeedConnection connection = connections.open("user-directory trimming")) {
            UserEvents table = events.over(connection.jdbc());
            while (table.trim(properties.retention(), STEP) == STEP) {
                Thread.sleep(PAUSE);
            }
        } catch (SQLException | DataAccessException e) {
            log.warn("Old events are not removed this time: {}", e.getMessage());
        }
    }
}
