package dev.userdirectory.database;

import java.time.Duration;

/** Periodic work of the service. On AWS Lambda, where no timer runs, the event of a schedule calls it. */
public interface Upkeep {
    /**
     * Logs failures; the next run tries again.
     *
     * @param time after which to stop; the next run continues with the rest
     */
    void run(Duration time) throws InterruptedException;
}
