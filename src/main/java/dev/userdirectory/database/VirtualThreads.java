package dev.userdirectory.database;

import dev.userdirectory.database.BackgroundThreads.Task;
import java.time.Duration;
import org.springframework.context.annotation.Profile;
import org.springframework.stereotype.Component;

/**
 * Makes the liveness probe fail if virtual threads can no longer continue, for example because some of them occupy all
 * carrier threads. Then no request is answered any more, but the probe is, since it has threads of its own.
 */
@Component
@Profile("!lambda") // AWS Lambda has no probe.
class VirtualThreads extends BackgroundThread {
    private static final Duration INTERVAL = Duration.ofSeconds(1);

    VirtualThreads(BackgroundThreads threads) {
        super(threads, "virtual-threads", Duration.ZERO);
    }

    @Override
    protected void run(Task current) throws InterruptedException {
        Thread.startVirtualThread(() -> {}).join();
        Thread.sleep(INTERVAL);
    }
}
