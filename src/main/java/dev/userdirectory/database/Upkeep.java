package dev.userdirectory.database;

import java.time.Duration;

/** What the service does from time to time besides answering requests. AWS Lambda, where no timer runs, calls it itself. */
public interface Upkeep {
    /**
     * Logs what fails, for the next run to try again.
     *
     * @param time after which to stop even if there is more to do, which the next run then does
     */
    void run(Duration time) throws InterruptedException;
}
