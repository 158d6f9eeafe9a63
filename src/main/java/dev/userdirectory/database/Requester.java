package dev.userdirectory.database;

import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The subject under which a request queues for connections: the caller's account, unless requests of other accounts
 * wait for the result of its work.
 */
final class Requester {
    private final String account;
    private final @Nullable Semaphore share;
    private volatile String subject;
    private volatile @Nullable String actingAs;
    private volatile ConnectionQueue.@Nullable Waiter waiter;
    private final AtomicBoolean lent = new AtomicBoolean();

    /** @param share the permits for the connections that the operation may use, or null if it may use them all */
    Requester(String account, @Nullable Semaphore share) {
        this.account = account;
        this.subject = account;
        this.share = share;
    }

    /** The caller's account, even if the request queues under another subject. */
    String account() {
        return account;
    }

    /** The permits for the next connection, or null if it needs none: work for others must not wait for them. */
    @Nullable
    Semaphore share() {
        return actingAs == null ? share : null;
    }

    String subject() {
        String other = actingAs;
        return other == null ? subject : other;
    }

    /** Runs work that is not only for this request, and queues for its connections under another subject. */
    <T> T runAs(String other, Supplier<T> work) {
        String before = actingAs;
        actingAs = other;
        try {
            return work.get();
        } finally {
            actingAs = before;
        }
    }

    /** @param queued the place of the request in a queue, or null if it no longer waits */
    void setWaiter(ConnectionQueue.@Nullable Waiter queued) {
        waiter = queued;
    }

    /**
     * Lets the request queue under another account from now on. Works only once, so that a request is not handed back
     * to the queue that it came from.
     */
    void moveToAccount(String to) {
        if (to.equals(subject) || !lent.compareAndSet(false, true)) {
            return;
        }
        subject = to;
        ConnectionQueue.Waiter queued = waiter;
        if (queued != null && actingAs == null) {
            queued.moveTo(to);
        }
    }
}
