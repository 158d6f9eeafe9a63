package dev.userdirectory.event;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import org.junit.jupiter.api.Test;

class ReplayThreadsTest {
    @Test
    void accountsTakeTurns() {
        Queue<Runnable> threads = new ArrayDeque<>();
        List<String> read = new ArrayList<>();
        ReplayThreads replays = new ReplayThreads(threads::add);
        for (int i = 0; i < 3; i++) {
            String page = "busy " + i;
            replays.of("busy").execute(() -> read.add(page));
        }
        replays.of("other").execute(() -> read.add("other"));

        while (!threads.isEmpty()) {
            threads.remove().run();
        }

        assertThat(read).containsExactly("busy 0", "other", "busy 1", "busy 2");
    }
}
