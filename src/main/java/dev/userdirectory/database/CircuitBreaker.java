package dev.userdirectory.database;

import java.time.Duration;
import org.slf4j.Logger;

/**
 * Blocks calls to a server for one second after one of them has failed. A call that failed because its request was
 * stopped does not count, since it says nothing about the server.
 */
public final class CircuitBreaker {
    private static final Duration PAUSE = Duration.ofSeconds(1);

    private final Logger log;
    private final String consequence;
    private volatile long openUntil = System.nanoTime();
    private volatile boolean failing;

    /** @param consequence the effect of blocking calls, for the log */
    public CircuitBreaker(Logger log, String consequence) {
        this.log = log;
        this.consequence = consequence;
    }

    /** Whether calls are blocked. */
    public boolean isOpen() {
        return openUntil - System.nanoTime() > 0;
    }

    /** Whether the last call has failed, however long ago. A gauge shows this, because calls may be rare. */
    public boolean isFailing() {
        return failing;
    }

    public void succeeded() {
        if (failing) {
            failing = false;
        }
    }

    public void open(Exception failure) {
        if (isStopped()) {
            return;
        }
        failing = true;
        if (!isOpen()) {
            log.warn("{} for the next {} s: {}", consequence, PAUSE.toSeconds(), failure.toString());
        }
        openUntil = System.nanoTime() + PAUSE.toNanos();
    }

    private static boolean isStopped() {
        Deadline current = Deadline.current();
        return Thread.currentThread().isInterrupted() || (current != null && current.isOver());
    }
}
