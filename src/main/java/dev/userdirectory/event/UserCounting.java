package dev.userdirectory.event;

import dev.userdirectory.database.BackgroundThreads;
import dev.userdirectory.database.BackgroundThreads.Task;
import java.sql.SQLException;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.springframework.context.SmartLifecycle;
import org.springframework.stereotype.Component;

/**
 * Keeps {@code totalCount} of all users fast: once a second, adds new events to {@code user_count} if there are enough
 * of them. The count is exact without this, too.
 */
@Component
class UserCounting implements SmartLifecycle {
    private static final Duration INTERVAL = Duration.ofSeconds(1);
    /** A query adds up fewer events fast enough, while each update invalidates cached responses. */
    private static final int LEAST = 500;

    private final FeedConnections connections;
    private final EventProperties properties;
    private final UserEvents events;
    private final BackgroundThreads threads;
    private volatile @Nullable Task counter;

    UserCounting(
            FeedConnections connections, EventProperties properties, UserEvents events, BackgroundThreads threads) {
        this.connections = connections;
        this.properties = properties;
        this.events = events;
        this.threads = threads;
    }

    @Override
    public boolean isAutoStartup() {
        return properties.follow();
    }

    @Override
    public void start() {
        counter = threads.start("user-counting", this::count);
    }

    private void count(Task task) throws SQLException, InterruptedException {
        try (FeedConnection connection = connections.open("user-directory counting")) {
            UserEvents table = events.over(connection.jdbc());
            while (task.isRunning()) {
                table.count(LEAST);
                task.progress();
                Thread.sleep(INTERVAL);
            }
        }
    }

    @Override
    public void stop() {
        Task stopped = counter;
        counter = null;
        if (stopped != null) {
            stopped.stop(Duration.ZERO);
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
