package dev.userdirectory.subscription;

import java.util.ArrayDeque;
import java.util.Queue;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/**
 * Runs a limited number of tasks at a time, in order of arrival. Each runs on a virtual thread, because a task blocks
 * while it writes to a client that reads slowly.
 */
final class BoundedExecutor implements Executor {
    private final int limit;
    private final Queue<Runnable> waiting = new ArrayDeque<>();
    private int running;

    BoundedExecutor(int limit) {
        this.limit = limit;
    }

    @Override
    public synchronized void execute(Runnable task) {
        if (running == limit) {
            waiting.add(task);
        } else {
            running++;
            Thread.startVirtualThread(() -> run(task));
        }
    }

    /** The number of running and waiting tasks. */
    synchronized int size() {
        return running + waiting.size();
    }

    private void run(Runnable first) {
        for (Runnable task = first; task != null; task = next()) {
            try {
                task.run();
            } catch (RuntimeException | Error e) {
                Thread thread = Thread.currentThread();
                thread.getUncaughtExceptionHandler().uncaughtException(thread, e);
            }
        }
    }

    private synchronized @Nullable Runnable next() {
        Runnable next = waiting.poll();
        if (next == null) {
            running--;
        }
        return next;
    }
}
