package dev.userdirectory.webhook;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A program that receives webhooks, and responds as the test tells it to. */
public final class TestReceiver implements AutoCloseable {
    private final List<Request> requests = new CopyOnWriteArrayList<>();
    private final List<Request> accepted = new CopyOnWriteArrayList<>();
    private final int port;
    private volatile HttpServer server;
    private volatile Behaviour behaviour = TestReceiver::accept;

    public interface Behaviour {
        /** Returns the status to send, or 0 if there is nothing to send. */
        int answer(HttpExchange exchange) throws IOException, InterruptedException;
    }

    public record Request(String id, String timestamp, String signature, String contentType, String body) {
        public JsonNode event() {
            return JsonMapper.shared().readTree(body);
        }
    }

    public TestReceiver() throws IOException {
        server = start(0);
        port = server.getAddress().getPort();
    }

    public URI url() {
        return URI.create("http://127.0.0.1:" + port + "/hook");
    }

    /** Every request, including those that were not accepted. */
    List<Request> requests() {
        return requests;
    }

    public List<Request> accepted() {
        return accepted;
    }

    public void behave(Behaviour behaviour) {
        this.behaviour = behaviour;
    }

    public static int accept(HttpExchange exchange) {
        return 204;
    }

    /** Accepts, but never ends the response. */
    static int drip(HttpExchange exchange) throws IOException, InterruptedException {
        exchange.sendResponseHeaders(200, 0);
        OutputStream body = exchange.getResponseBody();
        while (true) {
            body.write('.');
            body.flush();
            Thread.sleep(10);
        }
    }

    public static int hang(HttpExchange exchange) throws InterruptedException {
        new CountDownLatch(1).await();
        return 0;
    }

    public void stop() {
        server.stop(0);
    }

    public void restart() throws IOException {
        server = start(port);
    }

    private HttpServer start(int port) throws IOException {
        HttpServer started = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 0);
        started.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
        started.createContext("/hook", this::handle);
        started.start();
        return started;
    }

    private void handle(HttpExchange exchange) throws IOException {
        Request request = new Request(
                header(exchange, "webhook-id"),
                header(exchange, "webhook-timestamp"),
                header(exchange, "webhook-signature"),
                header(exchange, "Content-Type"),
                new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8));
        requests.add(request);
        Behaviour now = behaviour;
        try {
            int status = now.answer(exchange);
            if (status == 204) {
                // Before the response, after which the next request may come.
                accepted.add(request);
            }
            if (status > 0) {
                exchange.sendResponseHeaders(status, -1);
            }
            exchange.close();
        } catch (InterruptedException e) {
            exchange.close();
        }
    }

    private static String header(HttpExchange exchange, String name) {
        return String.join("|", exchange.getRequestHeaders().getOrDefault(name, List.of()));
    }

    @Override
    public void close() {
        stop();
    }
}
