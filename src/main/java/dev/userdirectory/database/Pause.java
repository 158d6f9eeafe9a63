package dev.userdirectory.database;

import java.time.Duration;

/** Pauses the current thread. An interrupt ends the pause early, and stays set for the caller to notice. */
public final class Pause {
    private static final Duration RETRY = Duration.ofSeconds(1);

    private Pause() {}

    /** Pauses before a failed call to the database is retried. */
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
