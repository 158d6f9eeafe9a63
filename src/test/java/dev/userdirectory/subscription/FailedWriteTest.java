package dev.userdirectory.subscription;

import static org.assertj.core.api.Assertions.assertThat;

import dev.userdirectory.Waiting;
import java.io.IOException;
import java.lang.reflect.Proxy;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.springframework.web.servlet.function.ServerResponse.SseBuilder;
import reactor.core.Disposables;

/** Tomcat may reuse a response only after the write that failed has returned. */
class FailedWriteTest {
    private final CountDownLatch writing = new CountDownLatch(1);
    private final CountDownLatch failing = new CountDownLatch(1);
    private final AtomicReference<Consumer<Throwable>> onError = new AtomicReference<>();

    @Test
    void serverLearnsOfAnErrorOnlyAfterTheFailedWriteHasReturned() throws Exception {
        EventStream stream = new EventStream(builder(), ConcurrentHashMap.newKeySet(), Disposables.single());
        Thread writer = Thread.startVirtualThread(stream::ping);
        writing.await();

        Thread server = Thread.startVirtualThread(() -> onError.get().accept(new IOException("Broken pipe")));
        Waiting.until(() -> server.getState() == Thread.State.TIMED_WAITING || !server.isAlive());
        boolean waits = server.isAlive();
        failing.countDown();
        writer.join();
        server.join();

        assertThat(waits).isTrue();
    }

    private SseBuilder builder() {
        return (SseBuilder) Proxy.newProxyInstance(
                SseBuilder.class.getClassLoader(), new Class<?>[] {SseBuilder.class}, (builder, method, arguments) -> {
                    switch (method.getName()) {
                        case "onError" -> onError.set(consumer(arguments[0]));
                        case "send" -> {
                            writing.countDown();
                            failing.await();
                            throw new IOException("Broken pipe");
                        }
                        default -> {}
                    }
                    return method.getReturnType() == void.class ? null : builder;
                });
    }

    @SuppressWarnings("unchecked") // the parameter of the method
    private static Consumer<Throwable> consumer(Object argument) {
        return (Consumer<Throwable>) argument;
    }
}
