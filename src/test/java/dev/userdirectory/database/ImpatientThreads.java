package dev.userdirectory.database;

import java.time.Duration;

/** Background threads that count as stuck sooner than those of the service. */
public final class ImpatientThreads {
    private ImpatientThreads() {}

    public static BackgroundThreads after(Duration patience) {
        return new BackgroundThreads(patience);
    }
}
