package dev.userdirectory.database;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;

/**
 * Combines concurrent lookups of several threads into one call. While fewer calls than the maximum are in flight, a
 * thread makes its own call. Otherwise it waits, and the thread that gets the next turn makes one call for all waiting
 * threads. So no thread receives values that were read before its lookup began, and a thread without competition does
 * not wait.
 *
 * <p>If a call fails, only the thread that made it fails, because the call may have been stopped together with that
 * thread's request. The other threads then make their own calls.
 */
public final class RequestCollapser<K, V> {
    private static final int MAX_KEYS = 1000;
    private static final AtomicInteger SUBJECTS = new AtomicInteger();

    private final int maxCalls;
    private final Function<Set<K>, Map<K, V>> loader;
    private final Deque<Waiting<K, V>> queue = new ArrayDeque<>();
    /** The subject under which calls queue for a connection. */
    private final String subject = "calls " + SUBJECTS.incrementAndGet();

    private int calls;

    private record Waiting<K, V>(Set<K> keys, CompletableFuture<Turn<K, V>> turn) {}

    /** How a thread's wait ends. */
    private sealed interface Turn<K, V> {
        record Found<K, V>(Map<K, V> values) implements Turn<K, V> {}

        /** The thread must make a call for all threads that are waiting by now. */
        record Next<K, V>() implements Turn<K, V> {}

        /** The thread must make a call for its own keys only. */
        record Alone<K, V>() implements Turn<K, V> {}
    }

    /**
     * The calls should be short. They queue for a connection under a subject of their own, so that they do not wait
     * behind the slow queries of the subject whose request happens to make the call.
     *
     * @param maxCalls how many calls may be in flight at a time
     * @param loader returns the values of the given keys, without the keys that have none
     */
    public RequestCollapser(int maxCalls, Function<Set<K>, Map<K, V>> loader) {
        this.maxCalls = maxCalls;
        this.loader = loader;
    }

    /**
     * Returns the values that exist for these keys, and possibly values for other keys.
     *
     * @throws CancellationException if the thread is interrupted
     */
    public Map<K, V> load(Set<K> keys) {
        return switch (await(keys)) {
            case Turn.Found<K, V> found -> found.values;
            case Turn.Alone<K, V> alone -> loader.apply(keys);
            case Turn.Next<K, V> next -> loadForAll(keys);
        };
    }

    private Turn<K, V> await(Set<K> keys) {
        Waiting<K, V> own = new Waiting<>(keys, new CompletableFuture<>());
        synchronized (this) {
            if (calls < maxCalls) {
                calls++;
                return new Turn.Next<>();
            }
            queue.add(own);
        }
        try {
            return own.turn.get();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            leave(own);
            throw new CancellationException("Interrupted");
        } catch (ExecutionException e) {
            throw new IllegalStateException(e);
        }
    }

    private Map<K, V> loadForAll(Set<K> keys) {
        Set<K> all = new HashSet<>(keys);
        List<Waiting<K, V>> others = takeWaiting(all);
        Turn<K, V> result = new Turn.Alone<>();
        try {
            Map<K, V> values = call(all);
            result = new Turn.Found<>(values);
            return values;
        } finally {
            for (Waiting<K, V> other : others) {
                other.turn.complete(result);
            }
            next();
        }
    }

    private Map<K, V> call(Set<K> keys) {
        Deadline own = Deadline.current();
        return own == null ? loader.apply(keys) : own.requester().runAs(subject, () -> loader.apply(keys));
    }

    private synchronized List<Waiting<K, V>> takeWaiting(Set<K> keys) {
        List<Waiting<K, V>> taken = new ArrayList<>();
        while (!queue.isEmpty() && keys.size() < MAX_KEYS) {
            Waiting<K, V> waiting = queue.remove();
            keys.addAll(waiting.keys);
            taken.add(waiting);
        }
        return taken;
    }

    private synchronized void next() {
        if (queue.isEmpty()) {
            calls--;
        } else {
            queue.remove().turn.complete(new Turn.Next<>());
        }
    }

    /** If the thread has just been given the next turn, passes that turn on. */
    private synchronized void leave(Waiting<K, V> own) {
        if (!queue.remove(own) && own.turn.getNow(new Turn.Alone<>()) instanceof Turn.Next<K, V>) {
            next();
        }
    }
}
