package dev.userdirectory.database;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.userdirectory.database.FairShares.Share;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class ConnectionQueueTest {
    private static final Duration PATIENCE = Duration.ofSeconds(20);
    private final List<String> served = Collections.synchronizedList(new ArrayList<>());

    @Test
    void givesAllConnectionsToTheOnlySubject() throws Exception {
        ConnectionQueue queue = new ConnectionQueue(10);
        for (int i = 0; i < 10; i++) {
            assertThat(queue.acquire(of("gateway"), Duration.ZERO)).isNotNull();
        }
        assertThat(queue.acquire(of("gateway"), Duration.ofMillis(10))).isNull();
        assertThat(queue.waiting()).isZero();
    }

    @Test
    void servesSubjectsInTurn() throws Exception {
        ConnectionQueue queue = new ConnectionQueue(1);
        Share held = take(queue, "somebody");
        List<Thread> threads = new ArrayList<>();
        for (String name : List.of("hog 1", "hog 2", "hog 3", "hog 4", "alice 1", "alice 2", "bob 1")) {
            threads.add(serve(queue, name));
        }
        queue.release(held);
        join(threads);
        assertThat(served).containsExactly("hog 1", "alice 1", "bob 1", "hog 2", "alice 2", "hog 3", "hog 4");
    }

    @Test
    void prefersTheSubjectWithTheFewestConnections() throws Exception {
        ConnectionQueue queue = new ConnectionQueue(2);
        Share first = take(queue, "hog");
        Share second = take(queue, "hog");
        List<Thread> threads = List.of(serve(queue, "hog 1"), serve(queue, "alice 1"));
        queue.release(first);
        await().until(() -> served.contains("alice 1"));
        queue.release(second);
        join(threads);
        assertThat(served).containsExactly("alice 1", "hog 1");
    }

    /** Otherwise other subjects' simple queries would wait until one of the hog's ends. */
    @Test
    void reservesTheLastConnectionForSubjectsWithoutConnections() throws Exception {
        ConnectionQueue queue = new ConnectionQueue(3);
        queue.release(take(queue, "alice"));
        Share first = take(queue, "hog");
        take(queue, "hog");
        assertThat(queue.acquire(of("hog"), Duration.ofMillis(10))).isNull();

        Thread waiting = serve(queue, "hog 1");
        queue.release(take(queue, "alice"));
        assertThat(served).isEmpty();
        queue.release(first);
        waiting.join();
        assertThat(served).containsExactly("hog 1");
    }

    @Test
    void requestTakesTheTurnOfTheSubjectThatWaitsForIt() throws Exception {
        ConnectionQueue queue = new ConnectionQueue(1);
        Share held = take(queue, "somebody");
        List<Thread> threads = new ArrayList<>(List.of(serve(queue, "hog 1"), serve(queue, "hog 2")));
        Requester shared = of("hog");
        threads.add(serve(queue, "hog 3", shared));
        shared.moveToAccount("alice");
        queue.release(held);
        join(threads);
        assertThat(served).containsExactly("hog 1", "hog 3", "hog 2");
    }

    @Test
    void interruptedAndLateRequestsLoseNoConnection() throws Exception {
        ConnectionQueue queue = new ConnectionQueue(3);
        AtomicInteger inUse = new AtomicInteger();
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            CompletableFuture.allOf(IntStream.range(0, 2000)
                            .mapToObj(i -> CompletableFuture.runAsync(() -> useOrGiveUp(queue, i, inUse), threads))
                            .toArray(CompletableFuture[]::new))
                    .join();
        }
        assertThat(queue.waiting()).isZero();
        Share[] all = {take(queue, "1"), take(queue, "2"), take(queue, "3")};
        assertThat(queue.acquire(of("4"), Duration.ZERO)).isNull();
        queue.release(all[0]);
        assertThat(queue.acquire(of("4"), Duration.ZERO)).isNotNull();
    }

    private static void useOrGiveUp(ConnectionQueue queue, int i, AtomicInteger inUse) {
        ThreadLocalRandom random = ThreadLocalRandom.current();
        Requester requester = of("subject " + i % 7);
        if (i % 5 == 0) {
            Thread worker = Thread.currentThread();
            Thread.startVirtualThread(worker::interrupt);
        }
        try {
            Share share = queue.acquire(requester, Duration.ofNanos(random.nextInt(20_000_000)));
            if (share != null) {
                try {
                    assertThat(inUse.incrementAndGet()).isLessThanOrEqualTo(3);
                    Thread.onSpinWait();
                } finally {
                    inUse.decrementAndGet();
                    queue.release(share);
                }
            }
        } catch (InterruptedException e) {
            // The waiter has given up.
        } finally {
            Thread.interrupted();
        }
    }

    @Test
    void throwsIfTheWaitingThreadIsInterrupted() throws Exception {
        ConnectionQueue queue = new ConnectionQueue(1);
        take(queue, "somebody");
        Thread.currentThread().interrupt();
        assertThatThrownBy(() -> queue.acquire(of("alice"), PATIENCE)).isInstanceOf(InterruptedException.class);
        assertThat(queue.waiting()).isZero();
    }

    private static Requester of(String subject) {
        return new Requester(subject, null);
    }

    private static Share take(ConnectionQueue queue, String subject) throws InterruptedException {
        return Objects.requireNonNull(queue.acquire(of(subject), PATIENCE));
    }

    private Thread serve(ConnectionQueue queue, String name) {
        return serve(queue, name, of(name.substring(0, name.indexOf(' '))));
    }

    /** Returns once the request is in the queue. */
    private Thread serve(ConnectionQueue queue, String name, Requester requester) {
        int before = queue.waiting();
        Thread thread = Thread.startVirtualThread(() -> {
            try {
                Share share = Objects.requireNonNull(queue.acquire(requester, PATIENCE));
                served.add(name);
                queue.release(share);
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        });
        await().until(() -> queue.waiting() == before + 1);
        return thread;
    }

    private static void join(List<Thread> threads) throws InterruptedException {
        for (Thread thread : threads) {
            thread.join();
        }
    }
}
