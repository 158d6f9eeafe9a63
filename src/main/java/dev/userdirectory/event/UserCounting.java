package dev.userdirectory.event;

import dev.userdirectory.database.BackgroundThread;
import dev.userdirectory.database.BackgroundThreads;
import dev.userdirectory.database.BackgroundThreads.Task;
import java.sql.SQLException;
import java.time.Duration;
import org.springframework.stereotype.Component;

/**
 * Keeps {@code totalCount} of all users fast: once a second, adds new events to {@code user_count} if there are enough
 * of them. Without this, the count would still be exact, but slow.
 */
@Component
class UserCounting extends BackgroundThread {
    private static final Duration INTERVAL = Duration.ofSeconds(1);
    /** If there are fewer events, queries add them up fast enough themselves. */
    private static final int LEAST = 500;

    private final FeedConnections connections;
    private final EventProperties properties;
    private final DirectoryEvents events;

    UserCounting(
            FeedConnections connections,
            EventProperties properties,
            DirectoryEvents events,
            BackgroundThreads threads) {
        super(threads, "user-counting", Duration.ZERO);
        this.connections = connections;
        this.properties = properties;
        this.events = events;
    }

    @Override
    public boolean isAutoStartup() {
        return properties.follow();
    }

    @Override
    protected void run(Task current) throws SQLException, InterruptedException {
        try (FeedConnection connection = connections.open("user-directory counting")) {
            DirectoryEvents table = events.over(connection.jdbc());
            while (current.isRunning()) {
                connection.commitLocally(() -> table.count(LEAST));
                current.progress();
                Thread.sleep(INTERVAL);
            }
        }
    }
}
