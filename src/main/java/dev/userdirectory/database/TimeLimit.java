package dev.userdirectory.database;

import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import reactor.core.Disposable;
import reactor.core.scheduler.Schedulers;

/** Limits the time of work on the database that no request waits for. */
public final class TimeLimit {
    private TimeLimit() {}

    /**
     * Runs work, and stops it like a request once the limit has passed.
     *
     * @param account the account under which the work queues for connections
     */
    public static <T> T run(Duration limit, String account, Supplier<T> work) {
        Deadline deadline = new Deadline(Thread.currentThread(), account, null);
        Disposable timeout = Schedulers.parallel().schedule(deadline::stop, limit.toMillis(), TimeUnit.MILLISECONDS);
        Deadline.CURRENT.set(deadline);
        try {
            return work.get();
        } finally {
            Deadline.CURRENT.remove();
            timeout.dispose();
            deadline.end();
        }
    }
}
