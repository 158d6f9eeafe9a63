package dev.userdirectory.database;

import dev.userdirectory.database.ConnectionQueue.Waiter;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.SequencedSet;
import org.jspecify.annotations.Nullable;

/**
 * Shares a pool's connections between subjects. A free connection goes to the waiting subject that holds the fewest;
 * subjects that hold equally many take turns. Requests of one subject are served in order of arrival.
 *
 * <p>A subject that is alone gets every connection. While others are active, the last free connection goes only to a
 * subject that holds none: otherwise everybody's simple queries would wait for one subject's slow ones.
 *
 * <p>Not thread-safe: a {@link ConnectionQueue} calls it while it is synchronized.
 */
final class FairShares {
    /** Longer than an interactive client pauses between two requests. */
    private static final long AROUND = Duration.ofSeconds(10).toNanos();
    /** In a smaller pool, keeping one connection back costs more than it gains. */
    private static final int LEAST_TO_KEEP_ONE = 3;

    private final boolean keepsOne;
    private final Map<String, Share> shares = new HashMap<>();
    /** The shares with waiting requests; the first one has the next turn. */
    private final SequencedSet<Share> turns = new LinkedHashSet<>();

    private int free;
    private @Nullable String newest;
    private long newestSince = System.nanoTime() - AROUND;

    FairShares(int connections) {
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

        String subject() {
            return subject;
        }
    }

    int waiting() {
        return turns.stream().mapToInt(share -> share.waiters.size()).sum();
    }

    /** Called for each request, to detect whether more than one account is active. */
    void notice(String account) {
        if (!account.equals(newest)) {
            if (newest != null) {
                newestSince = System.nanoTime();
            }
            newest = account;
        }
    }

    /** Takes a connection, or returns null if the subject has to wait for one. */
    @Nullable
    Share tryTake(String subject) {
        Share share = share(subject);
        if (turns.isEmpty() && mayTake(share)) {
            take(share);
            return share;
        }
        forgetIfIdle(share);
        return null;
    }

    void release(Share share) {
        share.held--;
        free++;
        grant();
        forgetIfIdle(share);
    }

    /** Adds a waiter to the end of the subject's queue. */
    void enter(Waiter waiter, String subject) {
        Share share = share(subject);
        waiter.share = share;
        share.waiters.add(waiter);
        turns.add(share);
        grant();
    }

    void leave(Waiter waiter, Share share) {
        share.waiters.remove(waiter);
        if (share.waiters.isEmpty()) {
            turns.remove(share);
        }
        forgetIfIdle(share);
    }

    private void grant() {
        while (free > 0 && !turns.isEmpty()) {
            Share next = next();
            if (!mayTake(next)) {
                return;
            }
            Waiter waiter = next.waiters.remove();
            turns.remove(next);
            if (!next.waiters.isEmpty()) {
                turns.addLast(next);
            }
            take(next);
            waiter.grant(next);
        }
    }

    /**
     * Looks at few shares: it stops at the first that holds no connection, and there are at most as many others as
     * connections.
     */
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

    private void take(Share share) {
        share.held++;
        free--;
    }

    private Share share(String subject) {
        return shares.computeIfAbsent(subject, Share::new);
    }

    private void forgetIfIdle(Share share) {
        if (share.held == 0 && share.waiters.isEmpty()) {
            shares.remove(share.subject);
        }
    }
}
