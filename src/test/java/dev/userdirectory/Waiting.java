package dev.userdirectory;

import java.time.Duration;
import java.util.concurrent.Callable;
import org.awaitility.Awaitility;
import org.awaitility.core.ConditionFactory;
import org.awaitility.core.ConditionTimeoutException;

/** Waits for a state, however long a busy machine takes to reach it. */
public final class Waiting {
    private static final Duration PATIENCE = Duration.ofMinutes(1);

    private Waiting() {}

    public static void until(Callable<Boolean> state) {
        atMost(PATIENCE).until(state);
    }

    /** Waits until the thread waits for another one. */
    public static void untilWaiting(Thread thread) {
        until(() -> thread.getState() == Thread.State.WAITING);
    }

    /** Returns whether the state is reached within a second, for steps that may fail and are then repeated. */
    public static boolean briefly(Callable<Boolean> state) {
        try {
            atMost(Duration.ofSeconds(1)).until(state);
            return true;
        } catch (ConditionTimeoutException e) {
            return false;
        }
    }

    private static ConditionFactory atMost(Duration patience) {
        return Awaitility.await()
                .pollDelay(Duration.ZERO)
                .pollInterval(Duration.ofMillis(5))
                .atMost(patience);
    }
}
