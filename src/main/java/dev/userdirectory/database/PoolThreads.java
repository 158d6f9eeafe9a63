package dev.userdirectory.database;

import com.zaxxer.hikari.util.UtilityElf;
import java.util.Arrays;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadFactory;

/**
 * The threads of a pool of connections. After each attempt to open a connection that fails HikariCP waits longer, up to five
 * seconds, and nothing sets that otherwise. A database that is back must not wait for so long.
 */
public class PoolThreads implements ThreadFactory {
    private static final String PAUSE = "quietlySleep";

    private final Thread.Builder names = Thread.ofPlatform().daemon().name("connections-", 0);
    private final Set<Thread> threads = ConcurrentHashMap.newKeySet();

    @Override
    public synchronized Thread newThread(Runnable work) {
        Thread thread = names.unstarted(() -> {
            try {
                work.run();
            } finally {
                threads.remove(Thread.currentThread());
            }
        });
        threads.add(thread);
        return thread;
    }

    /** Whichever thread waits before it tries again begins anew, with a short wait. */
    void wake() {
        threads.stream().filter(PoolThreads::isPausing).forEach(Thread::interrupt);
    }

    private static boolean isPausing(Thread thread) {
        return Arrays.stream(thread.getStackTrace())
                .anyMatch(frame -> frame.getMethodName().equals(PAUSE)
                        && frame.getClassName().equals(UtilityElf.class.getName()));
    }
}
