package dev.userdirectory.database;

import static org.assertj.core.api.Assertions.assertThat;

import dev.userdirectory.Waiting;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Semaphore;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(20)
class SharedCallTest {
    private final ConcurrentLinkedQueue<String> calls = new ConcurrentLinkedQueue<>();
    private final Semaphore mayReturn = new Semaphore(0);
    private final SharedCall<String, String> flight = new SharedCall<>(this::load);

    private String load(String key) {
        calls.add(key);
        int call = calls.size();
        mayReturn.acquireUninterruptibly();
        return key + call;
    }

    /** None of them receives the first call's result, since that call began before they asked. */
    @Test
    void callsOnceForAllWhoAskForTheSameMeanwhile() {
        CompletableFuture<String> first = ask("a");
        awaitCalls(1);
        List<CompletableFuture<String>> others = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            CompletableFuture<String> other = new CompletableFuture<>();
            Waiting.untilWaiting(ask("a", other));
            others.add(other);
        }
        mayReturn.release(2);

        assertThat(first.join()).isEqualTo("a1");
        assertThat(others).allSatisfy(other -> assertThat(other.join()).isEqualTo("a2"));
        assertThat(calls).containsExactly("a", "a");
    }

    @Test
    void letsNobodyWaitForWhatOthersAskFor() {
        CompletableFuture<String> first = ask("a");
        awaitCalls(1);
        CompletableFuture<String> other = ask("b");
        awaitCalls(2);
        mayReturn.release(2);

        assertThat(first.join()).isEqualTo("a1");
        assertThat(other.join()).isEqualTo("b2");
    }

    @Test
    void callsAgainOnceTheCallBeforeHasReturned() {
        mayReturn.release(2);

        assertThat(flight.load("a")).isEqualTo("a1");
        assertThat(flight.load("a")).isEqualTo("a2");
    }

    private CompletableFuture<String> ask(String key) {
        CompletableFuture<String> answer = new CompletableFuture<>();
        ask(key, answer);
        return answer;
    }

    private Thread ask(String key, CompletableFuture<String> answer) {
        return Thread.startVirtualThread(() -> {
            try {
                answer.complete(flight.load(key));
            } catch (RuntimeException e) {
                answer.completeExceptionally(e);
            }
        });
    }

    private void awaitCalls(int number) {
        Waiting.until(() -> calls.size() >= number);
    }
}
