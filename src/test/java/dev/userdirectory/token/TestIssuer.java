package dev.userdirectory.token;

import com.nimbusds.jose.jwk.JWK;
import com.nimbusds.jose.jwk.JWKSet;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;

/** An issuer with a JWKS endpoint that can stop, restart at the same address or hang. It counts its requests. */
class TestIssuer implements AutoCloseable {
    private final AtomicInteger keyRequests = new AtomicInteger();
    private volatile List<JWK> keys;
    private volatile boolean hanging;
    private @Nullable HttpServer server;
    private int port;

    TestIssuer(JWK... keys) {
        this.keys = List.of(keys);
        start();
        stop();
    }

    final void start() {
        try {
            HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 0);
            server.createContext(
                    "/users/.well-known/openid-configuration",
                    exchange -> answer(exchange, Map.of("issuer", uri(), "jwks_uri", uri() + "/keys")));
            server.createContext("/users/keys", exchange -> {
                keyRequests.incrementAndGet();
                answer(exchange, new JWKSet(keys).toJSONObject());
            });
            server.start();
            port = server.getAddress().getPort();
            this.server = server;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    final void stop() {
        hanging = false;
        if (server != null) {
            server.stop(0);
        }
    }

    String uri() {
        return "http://localhost:" + port + "/users";
    }

    /** From now on, accepts requests without responding, until it stops. */
    void hang() {
        hanging = true;
    }

    void rotateTo(JWK... keys) {
        this.keys = List.of(keys);
    }

    int keyRequests() {
        return keyRequests.get();
    }

    @Override
    public void close() {
        stop();
    }

    private void answer(HttpExchange exchange, Map<String, ?> json) throws IOException {
        while (hanging) {
            LockSupport.parkNanos(20_000_000);
        }
        byte[] body = JsonMapper.shared().writeValueAsString(json).getBytes(StandardCharsets.UTF_8);
        exchange.sendResponseHeaders(200, body.length);
        try (exchange) {
            exchange.getResponseBody().write(body);
        }
    }
}
