package dev.userdirectory.subscription;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A client of {@code graphql-transport-ws} that sends only what a test tells it to, valid or not. */
public final class SocketClient implements WebSocket.Listener, AutoCloseable {
    private static final HttpClient HTTP = HttpClient.newHttpClient();
    private static final Duration PATIENCE = Duration.ofSeconds(20);

    private final BlockingQueue<JsonNode> messages = new LinkedBlockingQueue<>();
    private final CompletableFuture<Close> closed = new CompletableFuture<>();
    private final StringBuilder text = new StringBuilder();
    private final WebSocket socket;
    private volatile boolean reading = true;
    private volatile long lastReceived;

    public record Close(int code, String reason) {}

    private SocketClient(URI uri, @Nullable String protocol, Map<String, String> headers) {
        WebSocket.Builder builder = HTTP.newWebSocketBuilder();
        if (protocol != null) {
            builder.subprotocols(protocol);
        }
        headers.forEach(builder::header);
        socket = builder.buildAsync(URI.create(uri.toString().replaceFirst("^http", "ws")), this)
                .join();
    }

    /** Opens a socket, and sends no message. */
    public static SocketClient open(URI uri, Map<String, String> headers) {
        return new SocketClient(uri, "graphql-transport-ws", headers);
    }

    public static SocketClient open(URI uri, @Nullable String protocol) {
        return new SocketClient(uri, protocol, Map.of());
    }

    /** Opens a socket, and waits until the service accepts the token. */
    public static SocketClient connect(URI uri, String token) {
        SocketClient client = open(uri, Map.of());
        client.initialize(token);
        client.expect("connection_ack");
        return client;
    }

    public void initialize(String token) {
        send(Map.of("type", "connection_init", "payload", Map.of("Authorization", "Bearer " + token)));
    }

    public void subscribe(String id, String query, Map<String, ?> variables) {
        send(Map.of("type", "subscribe", "id", id, "payload", Map.of("query", query, "variables", variables)));
    }

    /** Returns once the service has handled all messages sent before: it handles one at a time. */
    public void settle() {
        send(Map.of("type", "ping"));
        expect("pong");
    }

    public void send(Map<String, ?> message) {
        sendText(JsonMapper.shared().writeValueAsString(message));
    }

    public void sendText(String message) {
        try {
            socket.sendText(message, true).join();
        } catch (CompletionException e) {
            // The service has closed the socket; closed() returns its code.
        }
    }

    /** Sends the beginning of a message whose end never comes. */
    public void sendUnfinished(String message) {
        socket.sendText(message, false).join();
    }

    /** Returns the next message other than a ping, which must be of that type. */
    public JsonNode expect(String type) {
        JsonNode message = poll(PATIENCE);
        if (message == null || !message.get("type").asString().equals(type)) {
            throw new AssertionError("Not a " + type + ": " + message + (closed.isDone() ? ", " + closed.join() : ""));
        }
        return message;
    }

    /** Waits for a ping from the service. */
    public void awaitPing() {
        JsonNode message;
        try {
            message = messages.poll(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        }
        if (message == null || !message.get("type").asString().equals("ping")) {
            throw new AssertionError("Not a ping: " + message);
        }
    }

    /** Returns the next message other than a ping, or null if none arrives in time or the socket is closed. */
    public @Nullable JsonNode poll(Duration time) {
        long end = System.nanoTime() + time.toNanos();
        try {
            while (true) {
                long left = end - System.nanoTime();
                JsonNode message = messages.poll(Math.min(left, 10_000_000), TimeUnit.NANOSECONDS);
                if (message != null && !message.get("type").asString().equals("ping")) {
                    return message;
                }
                boolean over = left <= 0 || (closed.isDone() && messages.isEmpty());
                if (message == null && over) {
                    return null;
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        }
    }

    /** The {@link System#nanoTime} at which the last message arrived. */
    public long lastReceived() {
        return lastReceived;
    }

    /** Waits until the service closes the socket. The code is -1 if it sends none. */
    public Close closed() {
        return closed.orTimeout(PATIENCE.toSeconds(), TimeUnit.SECONDS).join();
    }

    public boolean isClosed() {
        return closed.isDone();
    }

    /** Stops reading from the socket, but keeps it open. */
    public void stopReading() {
        reading = false;
    }

    public void readAgain() {
        reading = true;
        socket.request(1);
    }

    /** Disconnects without a close frame, as if the network were gone. */
    public void cut() {
        socket.abort();
        closed.complete(new Close(-1, "cut"));
    }

    @Override
    public void close() {
        cut();
    }

    @Override
    public void onOpen(WebSocket opened) {
        opened.request(1);
    }

    @Override
    public @Nullable CompletionStage<?> onText(WebSocket from, CharSequence data, boolean last) {
        text.append(data);
        if (last) {
            lastReceived = System.nanoTime();
            messages.add(JsonMapper.shared().readTree(text.toString()));
            text.setLength(0);
        }
        if (reading) {
            from.request(1);
        }
        return null;
    }

    @Override
    public @Nullable CompletionStage<?> onClose(WebSocket from, int code, String reason) {
        closed.complete(new Close(code, reason));
        return null;
    }

    @Override
    public void onError(WebSocket from, Throwable error) {
        closed.complete(new Close(-1, String.valueOf(error)));
    }
}
