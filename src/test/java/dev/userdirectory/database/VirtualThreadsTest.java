package dev.userdirectory.database;

import static org.awaitility.Awaitility.await;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.springframework.boot.health.contributor.Status;

class VirtualThreadsTest {
    private final BackgroundThreads threads = new BackgroundThreads(Duration.ofSeconds(2));
    private final VirtualThreads virtualThreads = new VirtualThreads(threads);
    private final CountDownLatch goOn = new CountDownLatch(1);

    /** A virtual thread that loads a class keeps its carrier thread while it waits. */
    private final ClassLoader waiting = new ClassLoader() {
        @Override
        protected Class<?> findClass(String name) throws ClassNotFoundException {
            try {
                goOn.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            throw new ClassNotFoundException(name);
        }
    };

    @AfterEach
    void stop() {
        goOn.countDown();
        virtualThreads.stop();
    }

    @Test
    void probeFailsWhileAllCarrierThreadsAreOccupied() {
        virtualThreads.start();
        for (int i = 0; i < 4 * Runtime.getRuntime().availableProcessors(); i++) {
            String name = "none" + i;
            Thread.startVirtualThread(() -> load(name));
        }
        await().until(() -> threads.health().getStatus().equals(Status.DOWN));

        goOn.countDown();

        await().until(() -> threads.health().getStatus().equals(Status.UP));
    }

    private void load(String name) {
        try {
            Class.forName(name, false, waiting);
        } catch (ClassNotFoundException e) {
            // There is no such class.
        }
    }
}
