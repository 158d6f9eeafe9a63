package dev.userdirectory.database;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.userdirectory.Waiting;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(20)
class RequestCollapserTest {
    private final ConcurrentLinkedQueue<Set<Integer>> calls = new ConcurrentLinkedQueue<>();
    private final Semaphore mayReturn = new Semaphore(0);
    private final CountDownLatch called = new CountDownLatch(1);
    private volatile boolean fails;
    private final RequestCollapser<Integer, String> collapser = new RequestCollapser<>(1, this::load);

    private Map<Integer, String> load(Set<Integer> keys) {
        boolean failing = fails;
        calls.add(Set.copyOf(keys));
        called.countDown();
        mayReturn.acquireUninterruptibly();
        if (failing) {
            throw new IllegalStateException("failed");
        }
        return keys.stream().collect(Collectors.toMap(Function.identity(), Object::toString));
    }

    @Test
    void singleThreadCallsAtOnce() {
        mayReturn.release();

        assertThat(collapser.load(Set.of(1, 2))).isEqualTo(Map.of(1, "1", 2, "2"));
        assertThat(calls).containsExactly(Set.of(1, 2));
    }

    /** No waiting thread receives the result of the first call, which began before the thread's lookup. */
    @Test
    void waitingThreadsShareOneCall() throws Exception {
        CompletableFuture<Map<Integer, String>> first = ask(0);
        called.await();
        List<CompletableFuture<Map<Integer, String>>> others = askAll(1, 50);
        mayReturn.release(2);

        assertThat(first.join()).containsEntry(0, "0");
        for (int i = 1; i <= 50; i++) {
            assertThat(others.get(i - 1).join()).containsEntry(i, "" + i);
        }
        assertThat(calls)
                .containsExactly(Set.of(0), IntStream.rangeClosed(1, 50).boxed().collect(Collectors.toSet()));
    }

    @Test
    void failureReachesOnlyTheThreadThatCalled() throws Exception {
        CompletableFuture<Map<Integer, String>> first = ask(0);
        called.await();
        fails = true;
        List<CompletableFuture<Map<Integer, String>>> others = askAll(1, 5);
        mayReturn.release();
        first.join();
        Waiting.until(() -> calls.size() >= 2);
        fails = false;
        mayReturn.release(6);

        List<CompletableFuture<Map<Integer, String>>> failed = new ArrayList<>(others);
        failed.removeIf(
                other -> !other.handle((found, exception) -> exception != null).join());
        assertThat(failed).hasSize(1);
        assertThat(calls).hasSize(2 + 4);
    }

    @Test
    void interruptedThreadPassesItsTurnOn() throws Exception {
        CompletableFuture<Map<Integer, String>> first = ask(0);
        called.await();
        CompletableFuture<Map<Integer, String>> interrupted = new CompletableFuture<>();
        Thread thread = Thread.startVirtualThread(() -> complete(interrupted, 1));
        Waiting.untilWaiting(thread);
        CompletableFuture<Map<Integer, String>> next = askAll(2, 1).getFirst();

        thread.interrupt();

        assertThatThrownBy(interrupted::join).hasRootCauseInstanceOf(CancellationException.class);
        mayReturn.release(2);
        first.join();
        assertThat(next.join()).containsOnlyKeys(2);
    }

    private CompletableFuture<Map<Integer, String>> ask(int key) {
        CompletableFuture<Map<Integer, String>> found = new CompletableFuture<>();
        Thread.startVirtualThread(() -> complete(found, key));
        return found;
    }

    /** Returns when all of these threads wait. */
    private List<CompletableFuture<Map<Integer, String>>> askAll(int firstKey, int count) {
        List<CompletableFuture<Map<Integer, String>>> asked = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            CompletableFuture<Map<Integer, String>> found = new CompletableFuture<>();
            int key = firstKey + i;
            Waiting.untilWaiting(Thread.startVirtualThread(() -> complete(found, key)));
            asked.add(found);
        }
        return asked;
    }

    private void complete(CompletableFuture<Map<Integer, String>> found, int key) {
        try {
            found.complete(collapser.load(Set.of(key)));
        } catch (RuntimeException e) {
            found.completeExceptionally(e);
        }
    }
}
