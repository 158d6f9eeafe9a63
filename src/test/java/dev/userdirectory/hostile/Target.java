package dev.userdirectory.hostile;

import dev.userdirectory.ServiceProcess;
import dev.userdirectory.subscription.SocketClient;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.Semaphore;
import java.util.function.IntConsumer;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/** The service under attack. Responses are ignored, as are disconnects. */
final class Target {
    private static final Duration HOLD = Duration.ofSeconds(2);
    private static final Duration TIMEOUT = Duration.ofSeconds(30);

    private final String token = ServiceProcess.tokenOf("attacker");
    private final ServiceProcess service;
    private final HttpClient http =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

    Target(ServiceProcess service) {
        this.service = service;
    }

    /** A token of another subject than the one that sends ordinary requests. */
    String token() {
        return token;
    }

    URI graphQl() {
        return service.graphQl();
    }

    ServiceProcess service() {
        return service;
    }

    void post(@Nullable String token, int requests, int atATime, IntFunction<String> body) throws Exception {
        concurrently(requests, atATime, i -> post(token, body.apply(i)));
    }

    void concurrently(int requests, int atATime, IntConsumer send) throws Exception {
        Semaphore places = new Semaphore(atATime);
        try (ExecutorService senders = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<?>> sent = new ArrayList<>();
            for (int i = 0; i < requests; i++) {
                places.acquire();
                int request = i;
                sent.add(senders.submit(() -> {
                    try {
                        send.accept(request);
                    } finally {
                        places.release();
                    }
                }));
            }
            for (Future<?> each : sent) {
                each.get();
            }
        }
    }

    /** Returns the response, or null if the service disconnected. */
    @Nullable
    HttpResponse<String> post(@Nullable String token, String body) {
        HttpRequest.Builder request = HttpRequest.newBuilder(graphQl())
                .timeout(TIMEOUT)
                .header("Content-Type", "application/json")
                .POST(BodyPublishers.ofString(body));
        return send(token == null ? request : request.header("Authorization", "Bearer " + token));
    }

    @Nullable
    HttpResponse<String> send(HttpRequest.Builder request) {
        try {
            return http.send(request.build(), BodyHandlers.ofString());
        } catch (IOException e) {
            return null;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return null;
        }
    }

    void holdSockets(int sockets, boolean reading, IntFunction<List<String>> messages) throws InterruptedException {
        List<SocketClient> open = new ArrayList<>();
        try {
            for (int i = 0; i < sockets; i++) {
                SocketClient socket = SocketClient.open(graphQl(), "graphql-transport-ws");
                open.add(socket);
                if (!reading) {
                    socket.stopReading();
                }
                messages.apply(i).forEach(socket::sendText);
            }
            Thread.sleep(HOLD);
        } catch (RuntimeException e) {
            // No more sockets are accepted.
        } finally {
            open.forEach(SocketClient::close);
        }
    }

    /** Opens event streams, and keeps the accepted ones open for a moment. */
    void holdStreams(int streams, String body) throws InterruptedException {
        List<CompletableFuture<HttpResponse<InputStream>>> open = new ArrayList<>();
        for (int i = 0; i < streams; i++) {
            HttpRequest request = HttpRequest.newBuilder(graphQl())
                    .header("Content-Type", "application/json")
                    .header("Accept", "text/event-stream")
                    .header("Authorization", "Bearer " + token())
                    .POST(BodyPublishers.ofString(body))
                    .build();
            open.add(http.sendAsync(request, BodyHandlers.ofInputStream()));
        }
        Thread.sleep(HOLD);
        for (CompletableFuture<HttpResponse<InputStream>> stream : open) {
            if (stream.isDone() && !stream.isCompletedExceptionally()) {
                close(stream.join());
            } else {
                stream.cancel(true);
            }
        }
    }

    private static void close(HttpResponse<InputStream> response) {
        try {
            response.body().close();
        } catch (IOException e) {
            // The service hung up.
        }
    }

    /** Opens sockets, sends an unfinished message on each, and keeps the accepted ones open for a moment. */
    void holdUnfinished(int sockets, @Nullable String token, String message) throws InterruptedException {
        List<SocketClient> open = new ArrayList<>();
        try {
            for (int i = 0; i < sockets; i++) {
                SocketClient socket = token == null
                        ? SocketClient.open(graphQl(), "graphql-transport-ws")
                        : SocketClient.connect(graphQl(), token);
                open.add(socket);
                socket.sendUnfinished(message);
            }
            Thread.sleep(HOLD);
        } catch (RuntimeException | AssertionError e) {
            // No more sockets are accepted.
        } finally {
            open.forEach(SocketClient::close);
        }
    }

    /** Opens connections, as many as are accepted, sends the same bytes on each, and keeps them open for a moment. */
    void holdConnections(int connections, String bytes) throws IOException, InterruptedException {
        List<Socket> open = new ArrayList<>();
        try {
            for (int i = 0; i < connections; i++) {
                Socket socket = new Socket();
                open.add(socket);
                socket.connect(
                        new InetSocketAddress(graphQl().getHost(), graphQl().getPort()), 500);
                socket.getOutputStream().write(bytes.getBytes(StandardCharsets.US_ASCII));
            }
            Thread.sleep(HOLD);
        } catch (IOException e) {
            // No more are accepted.
        } finally {
            for (Socket socket : open) {
                socket.close();
            }
        }
    }

    /**
     * Sends a request on each connection and reads at most 64 kB of each response every half second. Meanwhile, sends
     * ordinary requests as another subject.
     */
    void readSlowly(int connections, String request) throws IOException, InterruptedException {
        List<Socket> open = new ArrayList<>();
        try {
            for (int i = 0; i < connections; i++) {
                Socket socket = new Socket(graphQl().getHost(), graphQl().getPort());
                open.add(socket);
                socket.setSoTimeout(1);
                socket.getOutputStream().write(request.getBytes(StandardCharsets.UTF_8));
            }
            for (int i = 0; i < 10; i++) {
                Thread.sleep(Duration.ofMillis(500));
                service.post("{ users(first: 3) { nodes { id name } } }", Map.of());
                for (Socket socket : open) {
                    readSome(socket);
                }
            }
        } finally {
            for (Socket socket : open) {
                socket.close();
            }
        }
    }

    private static void readSome(Socket socket) {
        try {
            socket.getInputStream().read(new byte[64 * 1024]);
        } catch (IOException e) {
            // There is nothing yet, or the service hung up.
        }
    }

    void drip(int connections, String bytes) throws IOException, InterruptedException {
        List<Socket> open = new ArrayList<>();
        try {
            for (int i = 0; i < connections; i++) {
                open.add(new Socket(graphQl().getHost(), graphQl().getPort()));
            }
            byte[] all = bytes.getBytes(StandardCharsets.US_ASCII);
            for (byte each : all) {
                for (Socket socket : open) {
                    write(socket, each);
                }
                Thread.sleep(Duration.ofMillis(100));
            }
        } finally {
            for (Socket socket : open) {
                socket.close();
            }
        }
    }

    private static void write(Socket socket, byte each) {
        try {
            OutputStream out = socket.getOutputStream();
            out.write(each);
            out.flush();
        } catch (IOException e) {
            // The service hung up.
        }
    }
}
