package dev.userdirectory.database;

import dev.userdirectory.database.FairShares.Share;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * The queue of requests that wait for a connection of a pool, or to be among the few that may wait for locks.
 * {@link FairShares} decide which request is next.
 */
class ConnectionQueue {
    private final FairShares shares;

    ConnectionQueue(int connections) {
        shares = new FairShares(connections);
    }

    /** A request in the queue. */
    final class Waiter {
        private final Thread thread = Thread.currentThread();
        /** The share that the request waits for; guarded by the queue. */
        @Nullable
        Share share;

        private volatile @Nullable Share granted;

        /** Moves this request to the end of another subject's queue. */
        void moveTo(String subject) {
            synchronized (ConnectionQueue.this) {
                if (granted == null && share != null && !share.subject().equals(subject)) {
                    shares.leave(this, share);
                    shares.enter(this, subject);
                }
            }
        }

        void grant(Share taken) {
            granted = taken;
            LockSupport.unpark(thread);
        }
    }

    /** The number of waiting requests. */
    synchronized int waiting() {
        return shares.waiting();
    }

    /** @return the share to {@link #release}, or null if no connection became free in time */
    @Nullable
    Share acquire(Requester requester, Duration patience) throws InterruptedException {
        Waiter waiter;
        synchronized (this) {
            shares.notice(requester.account());
            Share share = shares.tryTake(requester.subject());
            if (share != null) {
                return share;
            }
            waiter = new Waiter();
            requester.setWaiter(waiter);
            // Read the subject again: it may have changed before the requester knew about this waiter.
            shares.enter(waiter, requester.subject());
        }
        try {
            return await(waiter, System.nanoTime() + patience.toNanos());
        } finally {
            requester.setWaiter(null);
        }
    }

    private @Nullable Share await(Waiter waiter, long end) throws InterruptedException {
        while (waiter.granted == null) {
            long nanos = end - System.nanoTime();
            if (nanos <= 0 || Thread.currentThread().isInterrupted()) {
                break;
            }
            LockSupport.parkNanos(this, nanos);
        }
        boolean interrupted = Thread.interrupted();
        Share granted = waiter.granted;
        if (granted == null) {
            granted = giveUp(waiter);
        }
        if (interrupted) {
            if (granted != null) {
                release(granted);
            }
            throw new InterruptedException();
        }
        return granted;
    }

    /** @return the share, if a connection was granted at the last moment; otherwise null */
    private synchronized @Nullable Share giveUp(Waiter waiter) {
        if (waiter.granted == null && waiter.share != null) {
            shares.leave(waiter, waiter.share);
        }
        return waiter.granted;
    }

    synchronized void release(Share share) {
        shares.release(share);
    }
}
