package dev.userdirectory.cache;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.stereotype.Component;

/**
 * Which transactions a statement that begins now would see, as PostgreSQL writes it ({@code pg_current_snapshot()}): a
 * text that is another one as soon as any transaction that changed anything has committed, on whatever instance, and
 * never comes back. All who ask while one answer is on its way share the next, so that many requests cost a round trip.
 */
@Component
class DatabaseState {
    private static final Logger log = LoggerFactory.getLogger(DatabaseState.class);
    private static final Duration PATIENCE = Duration.ofSeconds(1);

    private final DataSource dataSource;
    private @Nullable CompletableFuture<String> next;
    private boolean asking;

    DatabaseState(DataSource dataSource) {
        this.dataSource = dataSource;
    }

    /** As of after this call; fails if the database does not tell within a second. */
    synchronized CompletableFuture<String> current() {
        if (next == null) {
            next = new CompletableFuture<>();
        }
        if (!asking) {
            asking = true;
            Thread.ofVirtual().name("database-state").start(this::askWhileAsked);
        }
        return next;
    }

    private void askWhileAsked() {
        for (CompletableFuture<String> asked = take(); asked != null; asked = take()) {
            try {
                asked.complete(ask());
            } catch (SQLException | RuntimeException e) {
                log.debug("The database does not tell its state", e);
                asked.completeExceptionally(e);
            }
        }
    }

    /** What has been asked for so far: whoever asks from now on must get a later answer. */
    private synchronized @Nullable CompletableFuture<String> take() {
        CompletableFuture<String> asked = next;
        next = null;
        asking = asked != null;
        return asked;
    }

    private String ask() throws SQLException {
        try (Connection connection = dataSource.getConnection()) {
            int patience = connection.getNetworkTimeout();
            connection.setNetworkTimeout(Runnable::run, Math.toIntExact(PATIENCE.toMillis()));
            try (Statement statement = connection.createStatement();
                    ResultSet row = statement.executeQuery("select pg_current_snapshot()")) {
                row.next();
                return row.getString(1);
            } finally {
                if (!connection.isClosed()) {
                    connection.setNetworkTimeout(Runnable::run, patience);
                }
            }
        }
    }
}
