package dev.userdirectory.mirror;

import static org.awaitility.Awaitility.await;

import dev.userdirectory.ServiceProcess;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import org.awaitility.core.ConditionTimeoutException;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** Keeps a mirror up to date in its own thread, and tries again whenever something fails. */
public abstract class Follower implements AutoCloseable {
    /** In each period of this length, a follower that is behind must receive something. */
    private static final Duration PATIENCE = Duration.ofMinutes(1);

    final Mirror mirror;
    private final List<ServiceProcess> services;
    /** Maps each message that was not an event to the cursor at which it came. */
    private final Map<String, String> otherwise = new ConcurrentHashMap<>();

    private final AtomicInteger rounds = new AtomicInteger();
    private final AtomicInteger seen = new AtomicInteger();
    private final Thread thread = Thread.ofVirtual().unstarted(this::run);
    private volatile @Nullable String last;
    private volatile @Nullable Throwable failure;
    private boolean complete;

    Follower(Mirror mirror, List<ServiceProcess> services) {
        this.mirror = mirror;
        this.services = services;
    }

    /** Follows for a moment, or until something fails. */
    abstract void follow() throws IOException, InterruptedException;

    public final Follower start() {
        thread.start();
        return this;
    }

    private void run() {
        try {
            while (failure == null && !complete) {
                rounds.incrementAndGet();
                followOnce();
                String expected = last;
                complete = expected != null && mirror.objects().get(expected) != null;
                Thread.sleep(10);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void followOnce() throws InterruptedException {
        try {
            follow();
        } catch (IOException | RuntimeException | AssertionError e) {
            note(e.toString());
        }
    }

    final void apply(JsonNode event) {
        apply(Mirror.type(event), event);
    }

    /** An event that does not fit the mirror ends the thread. */
    final void apply(String type, JsonNode event) {
        if (failure != null) {
            return;
        }
        try {
            mirror.apply(type, event);
            seen.incrementAndGet();
        } catch (RuntimeException | AssertionError e) {
            failure = e;
        }
    }

    /** Records anything that is not an event: the service or its database may be unavailable. */
    final void note(String other) {
        otherwise.put(other.replaceAll("[0-9a-f-]{36}", "…"), mirror.cursor());
    }

    /** Any instance, as behind a load balancer. */
    final ServiceProcess service() {
        return services.get(ThreadLocalRandom.current().nextInt(services.size()));
    }

    final int seen() {
        return seen.get();
    }

    /** Waits for 25 more attempts and 25 more events. */
    public final void awaitMore() {
        int attempts = rounds.get() + 25;
        int events = seen() + 25;
        awaitWithProgress(() -> rounds.get() >= attempts && seen() >= events);
    }

    /**
     * Waits for the end of a follower, and returns its mirror.
     *
     * @param object the ID of the object that was created last
     */
    public final Mirror awaitEnd(String object) {
        last = object;
        awaitWithProgress(() -> !thread.isAlive());
        return mirror;
    }

    private void awaitWithProgress(BooleanSupplier condition) {
        while (failure == null && !condition.getAsBoolean()) {
            int before = seen();
            try {
                await().atMost(PATIENCE).until(() -> failure != null || seen() > before || condition.getAsBoolean());
            } catch (ConditionTimeoutException e) {
                throw new AssertionError(this + " makes no progress", e);
            }
        }
        if (failure != null) {
            throw new AssertionError(this + " got an event that does not fit", failure);
        }
        if (otherwise.keySet().stream().anyMatch(message -> message.contains("EVENTS_EXPIRED"))) {
            throw new AssertionError(this + " lost its cursor");
        }
    }

    @Override
    public final void close() {
        thread.interrupt();
    }

    @Override
    public String toString() {
        return "%s: %d events in %d rounds, otherwise %s"
                .formatted(getClass().getSimpleName(), seen(), rounds.get(), otherwise);
    }
}
