package dev.userdirectory.mirror;

import dev.userdirectory.ServiceProcess;
import dev.userdirectory.Waiting;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicInteger;
import org.awaitility.core.ConditionTimeoutException;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** Keeps a mirror up to date in a thread of its own, and tries again whenever something fails. */
public abstract class Follower {
    private static final Duration PATIENCE = Duration.ofMinutes(2);

    final Mirror mirror;
    private final List<ServiceProcess> services;
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

    /** Follows until something fails or the connection is to be cut, or there is nothing new at the moment. */
    abstract void follow() throws IOException, InterruptedException;

    public final Follower start() {
        thread.start();
        return this;
    }

    private void run() {
        try {
            while (failure == null && !complete) {
                rounds.incrementAndGet();
                try {
                    follow();
                } catch (IOException | IllegalStateException | CompletionException | AssertionError e) {
                    note(e.toString());
                }
                String expected = last;
                complete = expected != null && mirror.objects().get(expected) != null;
                Thread.sleep(10);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    final void apply(JsonNode event) {
        apply(Mirror.type(event), event);
    }

    /** An event that does not fit ends the thread. */
    final void apply(String type, JsonNode event) {
        try {
            mirror.apply(type, event);
            seen.incrementAndGet();
        } catch (RuntimeException | AssertionError e) {
            failure = failure == null ? e : failure;
        }
    }

    /** Remembers anything that is not an event: the service or its database may have been unavailable. */
    final void note(String other) {
        otherwise.put(other.replaceAll("[0-9a-f-]{36}", "…"), mirror.cursor());
    }

    /** Another instance each time, as behind a load balancer. */
    final ServiceProcess service() {
        return services.get(ThreadLocalRandom.current().nextInt(services.size()));
    }

    final int seen() {
        return seen.get();
    }

    /** Waits until it has tried again some more times, and applied some more events. */
    public final void awaitMore() {
        int tries = rounds.get() + 25;
        int applied = seen() + 25;
        try {
            Waiting.until(() -> failure != null || (rounds.get() > tries && seen() > applied));
        } catch (ConditionTimeoutException e) {
            throw new AssertionError(this + " makes no progress", e);
        }
        if (failure != null) {
            throw new AssertionError(this + " has received what does not fit", failure);
        }
    }

    /** Returns the mirror once it has this object, which was created last. */
    public final Mirror awaitEnd(String object) throws InterruptedException {
        last = object;
        if (!thread.join(PATIENCE) || !complete) {
            throw new AssertionError(this + " has no complete copy", failure);
        }
        return mirror;
    }

    @Override
    public String toString() {
        return "%s: %d events in %d rounds, otherwise %s"
                .formatted(getClass().getSimpleName(), seen(), rounds.get(), otherwise);
    }
}
