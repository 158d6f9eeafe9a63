package dev.userdirectory.benchmark;

import java.io.IOException;
import java.net.URI;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Supplier;

/**
 * Sends requests over several connections, each as soon as the previous response has arrived. It uses one thread, as
 * load generators do. With a thread per connection, a thread whose responses arrive at once would keep its core while
 * other threads wait for one.
 */
final class Load {
    private Load() {}

    /** The request rate, and response times in milliseconds. */
    record Result(double perSecond, double median, double percentile99) {}

    /** @throws IllegalStateException if no response arrives in time, or if one has errors or a different beginning */
    static Result run(URI uri, String token, int connections, Duration time, Supplier<byte[]> bodies, String beginning)
            throws IOException {
        Map<HttpConnection, Long> sent = new HashMap<>();
        long[] nanos = new long[1024];
        int count = 0;
        try (Selector selector = Selector.open()) {
            long end = System.nanoTime() + time.toNanos();
            for (int i = 0; i < connections; i++) {
                HttpConnection connection = new HttpConnection(uri, token);
                connection.register(selector);
                sent.put(connection, System.nanoTime());
                connection.send(bodies.get());
            }
            while (!sent.isEmpty()) {
                selector.select();
                for (SelectionKey key : selector.selectedKeys()) {
                    HttpConnection connection = (HttpConnection) key.attachment();
                    String answer = connection.receive();
                    if (answer == null) {
                        continue;
                    }
                    long now = System.nanoTime();
                    if (!answer.startsWith(beginning) || answer.contains("\"errors\"")) {
                        throw new IllegalStateException("Answered with " + answer);
                    }
                    if (now > end) {
                        sent.remove(connection);
                        connection.close();
                        continue;
                    }
                    if (count == nanos.length) {
                        nanos = Arrays.copyOf(nanos, 2 * count);
                    }
                    nanos[count++] = now - sent.get(connection);
                    byte[] body = bodies.get();
                    sent.put(connection, System.nanoTime());
                    connection.send(body);
                }
                selector.selectedKeys().clear();
            }
        }
        if (count == 0) {
            throw new IllegalStateException("No response within " + time);
        }
        Arrays.sort(nanos, 0, count);
        return new Result(count / (time.toNanos() / 1e9), nanos[count / 2] / 1e6, nanos[(int) (count * 0.99)] / 1e6);
    }
}
