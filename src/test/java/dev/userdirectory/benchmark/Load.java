package dev.userdirectory.benchmark;

import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Supplier;

/** Asks over several connections, a thread for each, as fast as it is answered. */
final class Load {
    private Load() {}

    /** What the answers took, in milliseconds. */
    record Result(double perSecond, double median, double percentile99) {}

    /** @throws IllegalStateException if an answer is none, has errors, or does not begin as it has to */
    static Result run(URI uri, String token, int connections, Duration time, Supplier<byte[]> bodies, String beginning)
            throws InterruptedException {
        long start = System.nanoTime();
        long end = start + time.toNanos();
        List<Future<long[]>> threads = new ArrayList<>();
        try (ExecutorService executor = Executors.newFixedThreadPool(connections)) {
            for (int i = 0; i < connections; i++) {
                threads.add(executor.submit(() -> ask(uri, token, end, bodies, beginning)));
            }
        }
        long[] nanos = threads.stream()
                .flatMapToLong(thread -> Arrays.stream(get(thread)))
                .sorted()
                .toArray();
        return new Result(
                nanos.length / (time.toNanos() / 1e9),
                nanos[nanos.length / 2] / 1e6,
                nanos[(int) (nanos.length * 0.99)] / 1e6);
    }

    private static long[] get(Future<long[]> thread) {
        try {
            return thread.get();
        } catch (ExecutionException | InterruptedException e) {
            throw new IllegalStateException("The load was not answered", e);
        }
    }

    private static long[] ask(URI uri, String token, long end, Supplier<byte[]> bodies, String beginning)
            throws IOException {
        long[] nanos = new long[1024];
        int count = 0;
        try (HttpConnection connection = new HttpConnection(uri, token)) {
            while (true) {
                byte[] body = bodies.get();
                long before = System.nanoTime();
                String answer = connection.post(body);
                long after = System.nanoTime();
                if (!answer.startsWith(beginning) || answer.contains("\"errors\"")) {
                    throw new IllegalStateException("Answered with " + answer);
                }
                if (after > end) {
                    return Arrays.copyOf(nanos, count);
                }
                if (count == nanos.length) {
                    nanos = Arrays.copyOf(nanos, 2 * count);
                }
                nanos[count++] = after - before;
            }
        }
    }
}
