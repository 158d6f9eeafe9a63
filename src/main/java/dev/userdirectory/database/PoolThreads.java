package dev.userdirectory.database;

import com.zaxxer.hikari.util.UtilityElf;
import java.util.Arrays;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadFactory;

/**
 * The threads of a connection pool. After each failed attempt to open a connection, HikariCP pauses for longer, up to
 * five seconds, and has no setting for that. Requests must not wait that long once the database is back.
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

    /** Interrupts each thread that is pausing between attempts, so that it starts over with a short pause. */
    void wake() {
        threads.stream().filter(PoolThreads::isPausing).forEach(Thread::interrupt);
    }

    private static boolean isPausing(Thread thread) {
        return Arrays.stream(thread.getStackTrace())
                .anyMatch(frame -> frame.getMethodName().equals(PAUSE)
                        && frame.getClassName().equals(UtilityElf.class.getName()));
    }
}
