package dev.userdirectory.database;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.userdirectory.database.BackgroundThreads.Task;
import dev.userdirectory.database.BackgroundThreads.Work;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.springframework.boot.health.contributor.Status;

class BackgroundThreadsTest {
    private static final Duration PATIENCE = Duration.ofSeconds(2);
    private final BackgroundThreads threads = new BackgroundThreads(PATIENCE);
    private final AtomicInteger rounds = new AtomicInteger();
    private final List<Task> started = new ArrayList<>();

    @AfterEach
    void stop() {
        started.forEach(task -> task.stop(Duration.ZERO));
    }

    @Test
    void failedWorkStartsAgain() {
        start("fails-once", task -> {
            if (rounds.incrementAndGet() == 1) {
                throw new NoClassDefFoundError("gone");
            }
            Thread.sleep(Duration.ofMillis(10));
        });

        await().until(() -> rounds.get() > 10);
        assertThat(status()).isEqualTo(Status.UP);
    }

    @Test
    void probeFailsIfAThreadOnlyFails() {
        start("fails", task -> {
            throw new IllegalStateException("again");
        });

        await().until(() -> status().equals(Status.DOWN));
        assertThat(threads.health().getDetails().toString()).contains("fails");
    }

    @Test
    void probeFailsWhileAThreadHangs() {
        CountDownLatch goOn = new CountDownLatch(1);
        start("hangs", task -> {
            goOn.await();
            Thread.sleep(Duration.ofMillis(10));
        });
        await().until(() -> status().equals(Status.DOWN));

        goOn.countDown();
        await().until(() -> status().equals(Status.UP));
    }

    /** Restarting the service would not bring the database back. */
    @Test
    void probePassesWhileTheDatabaseIsAway() {
        start("has-no-database", task -> {
            rounds.incrementAndGet();
            throw new SQLException("refused");
        });

        await().during(PATIENCE.plusSeconds(1)).until(() -> status().equals(Status.UP));
        assertThat(rounds).hasValueGreaterThan(2);
    }

    private void start(String name, Work work) {
        started.add(threads.start(name, work));
    }

    private Status status() {
        return threads.health().getStatus();
    }
}
