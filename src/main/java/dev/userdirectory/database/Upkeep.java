package dev.userdirectory.database;

import java.time.Duration;

/** Periodic work of the service. On AWS Lambda, where no timer runs, a scheduled event triggers it. */
public interface Upkeep {
    /**
     * Logs failures and continues with other work; the next run tries again.
     *
     * @param time the time after which to stop; the next run continues with the rest
     * @throws IllegalStateException at the end, if anything failed
     */
    void run(Duration time) throws InterruptedException;
}
