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
 * The threads on which missed events are read. They are few, so that clients that reconnect leave the pool to others, and
 * accounts take turns, so that the subscriptions of one do not delay those of another. Not interrupted, since JDBC calls
 * cannot be.
 */
final class ReplayThreads {
    private final Executor threads;
    /** Each account is served by the task at its head, and then goes to the end. */
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
