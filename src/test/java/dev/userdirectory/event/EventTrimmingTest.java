package dev.userdirectory.event;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.userdirectory.DirectoryTest;
import dev.userdirectory.database.OldRows;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.springframework.beans.factory.annotation.Autowired;

@DirectoryTest
class EventTrimmingTest {
    /** Longer than the steps take, even on a busy machine. */
    private static final Duration PATIENCE = Duration.ofMinutes(1);

    @Autowired
    FeedConnections connections;

    @Autowired
    EventProperties properties;

    @Autowired
    DirectoryEvents events;

    private final AtomicInteger steps = new AtomicInteger();

    @Test
    void deletesTheRestIfOneKindOfRowsFails() {
        assertThatThrownBy(() -> trim(
                        PATIENCE,
                        (jdbc, limit) -> {
                            jdbc.execute("select pg_terminate_backend(pg_backend_pid())");
                            return true;
                        },
                        (jdbc, limit) -> steps.incrementAndGet() < 3))
                .isInstanceOf(IllegalStateException.class);

        assertThat(steps).hasValue(3);
    }

    @Test
    void kindsOfRowsTakeTurns() throws InterruptedException {
        trim(PATIENCE, (jdbc, limit) -> steps.get() < 3, (jdbc, limit) -> steps.incrementAndGet() < 3);

        assertThat(steps).hasValue(3);
    }

    @Test
    @Timeout(60)
    void endsWhenItsTimeIsOver() throws InterruptedException {
        trim(Duration.ZERO, (jdbc, limit) -> steps.incrementAndGet() > 0);

        assertThat(steps).hasValue(1);
    }

    private void trim(Duration time, OldRows... kinds) throws InterruptedException {
        new EventTrimming(connections, properties, events, List.of(kinds)).run(time);
    }
}
