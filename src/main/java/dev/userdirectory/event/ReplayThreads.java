package dev.userdirectory.event;

import java.util.ArrayDeque;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Queue;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * The threads on which missed events are read. There are few, so that reconnecting clients leave the pool to other
 * requests. Accounts take turns, so that the subscriptions of one do not delay those of another. The threads are not
 * interrupted, since JDBC calls cannot be.
 */
final class ReplayThreads {
    private final Executor threads;
    /** The waiting tasks of each account. The first account has the next turn, and then moves to the end. */
    private final Map<String, Queue<Runnable>> waiting = new LinkedHashMap<>();

    ReplayThreads(Executor threads) {
        this.threads = threads;
    }

    static ReplayThreads start() {
        ExecutorService threads = Executors.newFixedThreadPool(
                4, Thread.ofPlatform().daemon().name("replay-", 0).factory());
        return new ReplayThreads(threads);
    }

    Executor of(String account) {
        return task -> {
            synchronized (waiting) {
                waiting.computeIfAbsent(account, any -> new ArrayDeque<>()).add(task);
            }
            threads.execute(() -> next().run());
        };
    }

    private Runnable next() {
        synchronized (waiting) {
            Map.Entry<String, Queue<Runnable>> first =
                    waiting.entrySet().iterator().next();
            Queue<Runnable> tasks = first.getValue();
            Runnable task = Objects.requireNonNull(tasks.poll());
            waiting.remove(first.getKey());
            if (!tasks.isEmpty()) {
                waiting.put(first.getKey(), tasks);
            }
            return task;
        }
    }
}
