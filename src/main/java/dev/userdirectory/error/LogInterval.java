package dev.userdirectory.error;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;

/** Lets one line per interval into the log, so that a flood of requests cannot fill it. */
public final class LogInterval {
    private static final long NANOS = Duration.ofSeconds(10).toNanos();

    private final AtomicLong notLogged = new AtomicLong();
    private final AtomicLong nextLine = new AtomicLong(System.nanoTime());

    /** Counts an occurrence. Returns the number of occurrences since the last line, or 0 if no new line is due yet. */
    public long count() {
        notLogged.incrementAndGet();
        long now = System.nanoTime();
        long next = nextLine.get();
        return now - next >= 0 && nextLine.compareAndSet(next, now + NANOS) ? notLogged.getAndSet(0) : 0;
    }
}
