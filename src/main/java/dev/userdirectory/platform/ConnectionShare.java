package dev.userdirectory.platform;

import java.sql.SQLException;
import java.sql.SQLTransientConnectionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/**
 * How many of the pool's connections a group of operations may hold at a time, so that it leaves some to others however
 * many operations it has. An operation belongs to the share that its request carries under {@link #ATTRIBUTE}.
 */
public final class ConnectionShare {
    public static final String ATTRIBUTE = ConnectionShare.class.getName();

    private final Semaphore connections;

    public ConnectionShare(int connections) {
        this.connections = new Semaphore(connections, true);
    }

    void acquire(long millis) throws SQLException {
        try {
            if (!connections.tryAcquire(millis, TimeUnit.MILLISECONDS)) {
                throw new SQLTransientConnectionException(
                        "No connection of this caller's share was free for " + millis + " ms");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new SQLTransientConnectionException("Interrupted", e);
        }
    }

    void release() {
        connections.release();
    }
}
