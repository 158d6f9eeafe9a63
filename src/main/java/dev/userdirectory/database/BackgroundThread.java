package dev.userdirectory.database;

import dev.userdirectory.database.BackgroundThreads.Task;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.springframework.context.SmartLifecycle;

/** A component with a thread of its own. It starts before requests are served and stops after the last one. */
public abstract class BackgroundThread implements SmartLifecycle {
    private final BackgroundThreads threads;
    private final String name;
    private final Duration patience;
    private volatile @Nullable Task task;

    /** @param patience how long the current round of work may take to finish when the application stops */
    protected BackgroundThread(BackgroundThreads threads, String name, Duration patience) {
        this.threads = threads;
        this.name = name;
        this.patience = patience;
    }

    /** Does the work, as {@link BackgroundThreads.Work} describes it. */
    protected abstract void run(Task current) throws Exception;

    @Override
    public void start() {
        task = threads.start(name, this::run);
    }

    @Override
    public void stop() {
        Task stopped = task;
        task = null;
        if (stopped != null) {
            stopped.stop(patience);
        }
    }

    @Override
    public boolean isRunning() {
        return task != null;
    }

    @Override
    public int getPhase() {
        return 0;
    }
}
