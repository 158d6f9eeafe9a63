package dev.userdirectory.event;

import java.sql.SQLException;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.SmartLifecycle;
import org.springframework.dao.DataAccessException;
import org.springframework.stereotype.Component;

/**
 * Keeps {@code totalCount} of all users fast: looks once a second whether there are events to take into
 * {@code user_count}. It is exact without, too.
 */
@Component
class UserCounting implements SmartLifecycle {
    private static final Logger log = LoggerFactory.getLogger(UserCounting.class);
    private static final Duration INTERVAL = Duration.ofSeconds(1);
    /** Added up in a fraction of a millisecond; and each time is a write, after which kept answers are asked for anew. */
    private static final int LEAST = 500;

    private final FeedConnections connections;
    private final EventProperties properties;
    private volatile @Nullable Thread counter;

    UserCounting(FeedConnections connections, EventProperties properties) {
        this.connections = connections;
        this.properties = properties;
    }

    @Override
    public boolean isAutoStartup() {
        return properties.follow();
    }

    @Override
    public void start() {
        Thread started = Thread.ofPlatform().daemon().name("user-counting").unstarted(this::count);
        // Before it runs, since it goes on only as long as it finds itself here.
        counter = started;
        started.start();
    }

    private void count() {
        while (isRunning()) {
            try (FeedConnection connection = connections.open("user-directory counting")) {
                UserEvents events = new UserEvents(connection.jdbc());
                while (isRunning()) {
                    events.count(LEAST);
                    Thread.sleep(INTERVAL);
                }
            } catch (SQLException | DataAccessException e) {
                log.debug("Events are left to be added up", e);
                UserEventFeed.pause();
            } catch (InterruptedException e) {
                return;
            }
        }
    }

    @Override
    public void stop() {
        Thread stopped = counter;
        counter = null;
        if (stopped != null) {
            stopped.interrupt();
        }
    }

    @Override
    public boolean isRunning() {
        return counter != null;
    }

    @Override
    public int getPhase() {
        return 0;
    }
}
