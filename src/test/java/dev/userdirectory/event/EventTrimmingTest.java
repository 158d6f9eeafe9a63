package dev.userdirectory.event;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.userdirectory.DirectoryTest;
import dev.userdirectory.database.OldRows;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.annotation.Autowired;

@DirectoryTest
class EventTrimmingTest {
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
        trim((jdbc, limit) -> true, (jdbc, limit) -> steps.incrementAndGet() < 3);

        assertThat(steps).hasValue(3);
    }

    private void trim(OldRows... kinds) throws InterruptedException {
        new EventTrimming(connections, properties, events, List.of(kinds)).run(Duration.ofSeconds(2));
    }
}
