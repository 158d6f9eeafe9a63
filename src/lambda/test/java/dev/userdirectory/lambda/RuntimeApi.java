package dev.userdirectory.lambda;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** A stand-in for AWS Lambda's Runtime API (2018-06-01): it hands out events and takes the function's responses. */
class RuntimeApi implements AutoCloseable {
    private final HttpServer server;
    private final BlockingQueue<Invocation> events = new LinkedBlockingQueue<>();
    private final Map<String, Invocation> running = new ConcurrentHashMap<>();
    private final CompletableFuture<Void> initialized = new CompletableFuture<>();
    private final CompletableFuture<Void> snapshot = new CompletableFuture<>();
    private final CompletableFuture<Void> restored = new CompletableFuture<>();

    /** An event and its outcome: a response, or the error that the function reports. */
    private static class Invocation {
        final String id = UUID.randomUUID().toString();
        final String event;
        final CompletableFuture<Outcome> outcome = new CompletableFuture<>();

        Invocation(String event) {
            this.event = event;
        }
    }

    record Outcome(boolean failed, String body) {}

    RuntimeApi() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
        server.createContext("/2018-06-01/runtime/invocation/next", exchange -> {
            initialized.complete(null);
            Invocation next = take();
            running.put(next.id, next);
            exchange.getResponseHeaders().set("Content-Type", "application/json");
            exchange.getResponseHeaders().set("Lambda-Runtime-Aws-Request-Id", next.id);
            exchange.getResponseHeaders()
                    .set(
                            "Lambda-Runtime-Deadline-Ms",
                            String.valueOf(Instant.now().plusSeconds(29).toEpochMilli()));
            exchange.getResponseHeaders()
                    .set(
                            "Lambda-Runtime-Invoked-Function-Arn",
                            "arn:aws:lambda:eu-central-1:123456789012:function:user-directory:live");
            exchange.getResponseHeaders()
                    .set("Lambda-Runtime-Trace-Id", "Root=1-6924a5c1-0f4d0a7b5c3e2d1f0a9b8c7d;Sampled=0");
            answer(exchange, 200, next.event);
        });
        server.createContext("/2018-06-01/runtime/invocation/", exchange -> {
            String[] path = exchange.getRequestURI().getPath().split("/", -1);
            String body = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
            answer(exchange, 202, "{\"status\":\"OK\"}");
            Objects.requireNonNull(running.remove(path[4]))
                    .outcome
                    .complete(new Outcome(path[5].equals("error"), body));
        });
        server.createContext("/2018-06-01/runtime/init/error", exchange -> {
            String body = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
            initialized.completeExceptionally(new AssertionError(body));
            snapshot.completeExceptionally(new AssertionError(body));
            answer(exchange, 202, "{\"status\":\"OK\"}");
        });
        server.createContext("/2018-06-01/runtime/restore/next", exchange -> {
            snapshot.complete(null);
            restored.join();
            answer(exchange, 200, "");
        });
        server.start();
    }

    String address() {
        return "127.0.0.1:" + server.getAddress().getPort();
    }

    /** Returns when the function first requests an event. */
    void awaitInitialization() throws Exception {
        initialized.get(180, TimeUnit.SECONDS);
    }

    /** Returns when the function is ready for a snapshot. It stays in that state until it is restored. */
    void awaitSnapshot() throws Exception {
        snapshot.get(180, TimeUnit.SECONDS);
    }

    void restore() {
        restored.complete(null);
    }

    Outcome invoke(String event) throws Exception {
        Invocation invocation = new Invocation(event);
        events.add(invocation);
        return invocation.outcome.get(Duration.ofSeconds(29).toMillis(), TimeUnit.MILLISECONDS);
    }

    private Invocation take() throws IOException {
        try {
            return events.take();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException(e);
        }
    }

    private static void answer(HttpExchange exchange, int status, String body) throws IOException {
        byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
        exchange.sendResponseHeaders(status, bytes.length == 0 ? -1 : bytes.length);
        try (exchange) {
            exchange.getResponseBody().write(bytes);
        }
    }

    @Override
    public void close() {
        server.stop(0);
    }
}
