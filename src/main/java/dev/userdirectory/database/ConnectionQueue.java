package dev.userdirectory.database;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.SequencedSet;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Shares a pool's connections between subjects. A free connection goes to the waiting subject that holds the fewest;
 * subjects that hold equally many take turns. Requests of one subject are served in the order in which they came.
 *
 * <p>A subject that is alone gets every connection. While others are around, the last free connection goes only to a
 * subject that holds none: otherwise everybody's simple query would wait for one subject's slow ones.
 */
class ConnectionQueue {
    /** Longer than an interactive client pauses between two requests. */
    private static final long AROUND = Duration.ofSeconds(10).toNanos();
    /** In a smaller pool, keeping one connection back costs more than it gains. */
    private static final int LEAST_TO_KEEP_ONE = 3;

    private final ReentrantLock lock = new ReentrantLock();
    private final boolean keepsOne;
    private final Map<String, Share> shares = new HashMap<>();
    /** The shares with waiting requests; the first one has the next turn. */
    private final SequencedSet<Share> turns = new LinkedHashSet<>();

    private int free;
    private int waiting;
    private @Nullable String newest;
    private long newestSince = System.nanoTime() - AROUND;

    ConnectionQueue(int connections) {
        free = connections;
        keepsOne = connections >= LEAST_TO_KEEP_ONE;
    }

    /** The connections that one subject holds, and its waiting requests. */
    static final class Share {
        private final String subject;
        private final Deque<Waiter> waiters = new ArrayDeque<>(1);
        private int held;

        private Share(String subject) {
            this.subject = subject;
        }
    }

    /** A request in the queue. */
    final class Waiter {
        private final Thread thread = Thread.currentThread();
        private @Nullable Share share;
        private volatile @Nullable Share granted;

        /** Moves this request to the end of another subject's queue. */
        void moveTo(String subject) {
            lock.lock();
            try {
                Share old = share;
                if (old != null && granted == null && !old.subject.equals(subject)) {
                    leave(this, old);
                    enter(this, share(subject));
                    grant();
                }
            } finally {
                lock.unlock();
            }
        }
    }

    /** How many requests wait. */
    int waiting() {
        lock.lock();
        try {
            return waiting;
        } finally {
            lock.unlock();
        }
    }

    /** @return the share to {@link #release}, or null if no connection became free in time */
    @Nullable
    Share acquire(Deadline deadline, Duration patience) throws InterruptedException {
        Waiter waiter;
        lock.lock();
        try {
            Share share = share(deadline.subject());
            notice(deadline.account());
            if (turns.isEmpty() && mayTake(share)) {
                take(share);
                return share;
            }
            waiter = new Waiter();
            deadline.waitsAs(waiter);
            // The subject is read again: it may have changed before the deadline knew of this waiter.
            enter(waiter, share(deadline.subject()));
            forgetIfIdle(share);
            grant();
        } finally {
            lock.unlock();
        }
        try {
            return await(waiter, System.nanoTime() + patience.toNanos());
        } finally {
            deadline.waitsAs(null);
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

    /** @return the share, if a connection was granted at the last moment */
    private @Nullable Share giveUp(Waiter waiter) {
        lock.lock();
        try {
            if (waiter.granted == null && waiter.share != null) {
                leave(waiter, waiter.share);
            }
            return waiter.granted;
        } finally {
            lock.unlock();
        }
    }

    void release(Share share) {
        lock.lock();
        try {
            share.held--;
            free++;
            grant();
            forgetIfIdle(share);
        } finally {
            lock.unlock();
        }
    }

    private void grant() {
        while (free > 0 && !turns.isEmpty()) {
            Share next = next();
            if (!mayTake(next)) {
                return;
            }
            Waiter waiter = next.waiters.remove();
            waiting--;
            turns.remove(next);
            if (!next.waiters.isEmpty()) {
                turns.addLast(next);
            }
            take(next);
            waiter.granted = next;
            LockSupport.unpark(waiter.thread);
        }
    }

    /** Looks at few shares: no more subjects can hold a connection than there are connections. */
    private Share next() {
        Share fewest = turns.getFirst();
        for (Share share : turns) {
            if (share.held < fewest.held) {
                fewest = share;
            }
            if (fewest.held == 0) {
                break;
            }
        }
        return fewest;
    }

    private boolean mayTake(Share share) {
        return free > 1 || (free == 1 && (share.held == 0 || !keepsOne || System.nanoTime() - newestSince > AROUND));
    }

    private void notice(String account) {
        if (!account.equals(newest)) {
            if (newest != null) {
                newestSince = System.nanoTime();
            }
            newest = account;
        }
    }

    private void take(Share share) {
        share.held++;
        free--;
    }

    private Share share(String subject) {
        return shares.computeIfAbsent(subject, Share::new);
    }

    private void enter(Waiter waiter, Share share) {
        waiter.share = share;
        share.waiters.add(waiter);
        turns.add(share);
        waiting++;
    }

    private void leave(Waiter waiter, Share share) {
        share.waiters.remove(waiter);
        waiting--;
        if (share.waiters.isEmpty()) {
            turns.remove(share);
        }
        forgetIfIdle(share);
    }

    private void forgetIfIdle(Share share) {
        if (share.held == 0 && share.waiters.isEmpty()) {
            shares.remove(share.subject);
        }
    }
}
