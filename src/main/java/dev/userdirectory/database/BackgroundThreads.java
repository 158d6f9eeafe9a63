package dev.userdirectory.database;

import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.HealthIndicator;
import org.springframework.dao.DataAccessException;
import org.springframework.stereotype.Component;
import org.springframework.transaction.TransactionException;

/**
 * Runs background work for as long as the service runs. An exception does not end a thread: it is logged, and the work
 * starts again. If a thread has died, hangs, or has done nothing but fail for a minute, the liveness probe fails. An
 * unreachable database does not count as such a failure, since restarting the service would not bring it back.
 */
@Component
public class BackgroundThreads implements HealthIndicator {
    private static final Logger log = LoggerFactory.getLogger(BackgroundThreads.class);

    private final Set<Task> tasks = ConcurrentHashMap.newKeySet();
    private final Duration patience;

    @Autowired
    BackgroundThreads() {
        this(Duration.ofMinutes(1));
    }

    BackgroundThreads(Duration patience) {
        this.patience = patience;
    }

    /** The work of a thread: one round of it, or a loop until the task has been stopped. */
    public interface Work {
        void run(Task task) throws Exception;
    }

    public Task start(String name, Work work) {
        Task task = new Task(name, work);
        tasks.add(task);
        task.thread.start();
        return task;
    }

    @Override
    public Health health() {
        List<String> stuck = tasks.stream()
                .filter(task -> System.nanoTime() - task.lastProgress > patience.toNanos())
                .map(task -> task.name)
                .sorted()
                .toList();
        return stuck.isEmpty()
                ? Health.up().build()
                : Health.down().withDetail("threads", stuck).build();
    }

    public final class Task {
        private final String name;
        private final Work work;
        private final Thread thread;
        private volatile boolean running = true;
        private volatile long lastProgress = System.nanoTime();
        private int failures;

        private Task(String name, Work work) {
            this.name = name;
            this.work = work;
            thread = Thread.ofPlatform().daemon().name(name).unstarted(this::run);
        }

        public boolean isRunning() {
            return running;
        }

        /** The work must call this after each round, or it will be considered stuck. */
        public void progress() {
            lastProgress = System.nanoTime();
            failures = 0;
        }

        /** Lets the current round finish, but interrupts it if it takes longer than {@code patience}. */
        public void stop(Duration patience) {
            running = false;
            tasks.remove(this);
            try {
                if (!thread.join(patience)) {
                    thread.interrupt();
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }

        private void run() {
            while (running) {
                try {
                    work.run(this);
                    progress();
                } catch (Exception | Error e) {
                    if (running) {
                        report(e);
                        Pause.beforeRetry();
                    }
                }
            }
        }

        private static boolean isDatabaseFailure(Throwable failure) {
            return failure instanceof SQLException
                    || failure instanceof DataAccessException
                    || failure instanceof TransactionException;
        }

        private void report(Throwable failure) {
            failures++;
            if (!isDatabaseFailure(failure)) {
                log.error("{} failed and will start again", name, failure);
                return;
            }
            lastProgress = System.nanoTime();
            if (failures == 1) {
                log.warn("{} cannot use the database and keeps trying: {}", name, failure.getMessage());
            }
        }
    }
}
