package dev.userdirectory.cache;

import dev.userdirectory.platform.RequestCollapser;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.jdbc.core.ConnectionCallback;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.stereotype.Component;

/**
 * Which transactions a statement that begins now would see, as PostgreSQL writes it ({@code pg_current_snapshot()}): a
 * text that is another one as soon as any transaction that changed anything has committed, on whatever instance, and
 * never comes back. Many who ask at once cost one round trip.
 */
@Component
class DatabaseState {
    private static final Logger log = LoggerFactory.getLogger(DatabaseState.class);
    private static final Duration PATIENCE = Duration.ofSeconds(1);
    private static final String KEY = "the only one";

    private final RequestCollapser<String, String> states;

    DatabaseState(JdbcTemplate jdbc) {
        ConnectionCallback<String> ask = DatabaseState::ask;
        states = new RequestCollapser<>(keys -> Map.of(KEY, jdbc.execute(ask)));
    }

    /** As of after this call; null if the database does not tell within a second. Blocks. */
    @Nullable
    String current() {
        try {
            return states.load(KEY).get(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
        } catch (ExecutionException | TimeoutException e) {
            log.debug("The database does not tell its state", e);
            return null;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return null;
        }
    }

    private static String ask(Connection connection) throws SQLException {
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
