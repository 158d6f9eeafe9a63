package dev.userdirectory.database;

import java.time.Duration;

/** A pause of the current thread. An interrupt ends it early, and is left for the caller to notice. */
public final class Pause {
    private static final Duration RETRY = Duration.ofSeconds(1);

    private Pause() {}

    /** Before a failed call to the database is tried again. */
    public static void beforeRetry() {
        of(RETRY);
    }

    static void of(Duration time) {
        try {
            Thread.sleep(time);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
