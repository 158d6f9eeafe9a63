package dev.userdirectory.http;

import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.time.Duration;
import org.apache.coyote.AbstractProtocol;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
import org.springframework.boot.tomcat.TomcatWebServer;
import org.springframework.boot.web.server.context.WebServerApplicationContext;
import org.springframework.context.ApplicationContext;
import org.springframework.context.SmartLifecycle;
import org.springframework.stereotype.Component;
import org.springframework.web.filter.OncePerRequestFilter;

/**
 * Closes keep-alive connections before the server stops, because stopping would cut them off in the middle of a
 * request. Each connection is closed with the response to its next request. Connections without a next request are
 * closed by the server's {@code connection-timeout}, as always.
 */
@Component
@ConditionalOnProperty(name = "server.shutdown", havingValue = "graceful", matchIfMissing = true)
public class ConnectionDraining extends OncePerRequestFilter implements SmartLifecycle {
    /** The longest wait: {@code server.tomcat.connection-timeout}, which closes idle connections, plus a margin. */
    private static final Duration LIMIT = Duration.ofSeconds(6);

    private final ApplicationContext context;
    private volatile boolean running;

    ConnectionDraining(ApplicationContext context) {
        this.context = context;
    }

    @Override
    protected void doFilterInternal(HttpServletRequest request, HttpServletResponse response, FilterChain chain)
            throws ServletException, IOException {
        if (!running) {
            response.setHeader("Connection", "close");
        }
        chain.doFilter(request, response);
    }

    @Override
    public void start() {
        running = true;
    }

    /** Runs in the highest phase, along with sockets and event streams, which are closed at the same time. */
    @Override
    public void stop(Runnable callback) {
        running = false;
        Thread.startVirtualThread(() -> {
            long end = System.nanoTime() + LIMIT.toNanos();
            try {
                while (hasConnections() && System.nanoTime() - end < 0) {
                    Thread.sleep(10);
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            } finally {
                callback.run();
            }
        });
    }

    private boolean hasConnections() {
        return context instanceof WebServerApplicationContext web
                && web.getWebServer() instanceof TomcatWebServer server
                && server.getTomcat().getConnector().getProtocolHandler() instanceof AbstractProtocol<?> protocol
                && protocol.getConnectionCount() > 1; // includes the one that Tomcat is waiting for
    }

    @Override
    public void stop() {
        running = false;
    }

    @Override
    public boolean isRunning() {
        return running;
    }
}
