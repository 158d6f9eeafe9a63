package dev.userdirectory.subscription;

import dev.userdirectory.graphql.limit.Limits;
import jakarta.websocket.Session;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.springframework.boot.graphql.autoconfigure.GraphQlProperties;
import org.springframework.context.SmartLifecycle;
import org.springframework.graphql.server.WebGraphQlHandler;
import org.springframework.security.authentication.AuthenticationManager;
import org.springframework.stereotype.Component;
import org.springframework.web.socket.CloseStatus;
import org.springframework.web.socket.SubProtocolCapable;
import org.springframework.web.socket.TextMessage;
import org.springframework.web.socket.WebSocketSession;
import org.springframework.web.socket.adapter.NativeWebSocketSession;
import org.springframework.web.socket.handler.TextWebSocketHandler;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.scheduler.Schedulers;
import tools.jackson.databind.json.JsonMapper;

/**
 * Manages all sockets. Spring's own handler cannot close a socket when its token expires, accept a new token before
 * that, or limit the results that it buffers for a client that does not read.
 */
@Component
class Sockets extends TextWebSocketHandler implements SubProtocolCapable, SmartLifecycle {
    private static final String PROTOCOL = "graphql-transport-ws";
    private static final Duration STOPPING = Duration.ofSeconds(3);
    /** A session property of Tomcat: the milliseconds that it waits for the client's close frame; 30 s by default. */
    private static final String CLOSE_TIMEOUT = "org.apache.tomcat.websocket.SESSION_CLOSE_TIMEOUT";

    private static final Duration REFUSING = Duration.ofMillis(500);
    private static final Duration CLOSING = Duration.ofSeconds(1);
    private static final CloseStatus COME_BACK = CloseStatus.SERVICE_RESTARTED.withReason("Come back");

    private final WebGraphQlHandler graphQl;
    private final AuthenticationManager tokens;
    private final Admission admission;
    private final JsonMapper json;
    private final Limits limits;
    private final GraphQlProperties.Websocket properties;
    private final Map<String, Socket> open = new ConcurrentHashMap<>();
    private volatile Disposable pings = Disposables.disposed();
    private volatile boolean running;

    Sockets(
            WebGraphQlHandler graphQl,
            AuthenticationManager tokens,
            Admission admission,
            JsonMapper json,
            Limits limits,
            GraphQlProperties properties) {
        this.graphQl = graphQl;
        this.tokens = tokens;
        this.admission = admission;
        this.json = json;
        this.limits = limits;
        this.properties = properties.getWebsocket();
    }

    @Override
    public List<String> getSubProtocols() {
        return List.of(PROTOCOL);
    }

    /** Otherwise Tomcat would allocate, for each socket, a buffer for the longest message allowed. */
    @Override
    public boolean supportsPartialMessages() {
        return true;
    }

    @Override
    public void afterConnectionEstablished(WebSocketSession session) {
        limitClosing(session);
        if (!PROTOCOL.equals(session.getAcceptedProtocol())) {
            refuse(session, new CloseStatus(4406, "Only the subprotocol " + PROTOCOL + " is spoken here"));
            return;
        }
        Socket socket;
        try {
            socket = new Socket(
                    session, graphQl, tokens, admission, json, limits, properties.getConnectionInitTimeout());
        } catch (LimitReached e) {
            refuse(session, CloseStatus.SERVICE_OVERLOAD.withReason(String.valueOf(e.getMessage())));
            return;
        }
        open.put(session.getId(), socket);
        if (!running) {
            socket.close(COME_BACK);
        }
    }

    /**
     * Closes the session after a delay. If a session is closed before it is established, Tomcat loses track of it, and
     * the connection stays open until the client closes it.
     */
    private static void refuse(WebSocketSession session, CloseStatus status) {
        Schedulers.parallel()
                .schedule(
                        () -> Thread.startVirtualThread(() -> {
                            try {
                                session.close(status);
                            } catch (IOException | IllegalStateException e) {
                                // The session is already closed.
                            }
                        }),
                        REFUSING.toMillis(),
                        TimeUnit.MILLISECONDS);
    }

    /** Makes sure that a closed session is soon released and no longer counted, even if its client never closes it. */
    private static void limitClosing(WebSocketSession session) {
        if (session instanceof NativeWebSocketSession spring) {
            Session tomcat = spring.getNativeSession(Session.class);
            if (tomcat != null) {
                tomcat.getUserProperties().put(CLOSE_TIMEOUT, CLOSING.toMillis());
            }
        }
    }

    @Override
    protected void handleTextMessage(WebSocketSession session, TextMessage message) {
        Socket socket = open.get(session.getId());
        if (socket != null) {
            socket.receive(message);
        }
    }

    @Override
    public void afterConnectionClosed(WebSocketSession session, CloseStatus status) {
        Socket socket = open.remove(session.getId());
        if (socket != null) {
            socket.release();
        }
    }

    @Override
    public void start() {
        running = true;
        long interval = Objects.requireNonNull(properties.getKeepAlive()).toMillis();
        pings = Schedulers.parallel()
                .schedulePeriodically(
                        () -> open.values().forEach(socket -> Thread.startVirtualThread(socket::ping)),
                        interval,
                        interval,
                        TimeUnit.MILLISECONDS);
    }

    /**
     * Runs before the web server stops: the server has a lower phase, and would close the sockets with another code.
     */
    @Override
    public void stop() {
        running = false;
        pings.dispose();
        open.values().forEach(socket -> socket.close(COME_BACK));
        long end = System.nanoTime() + STOPPING.toNanos();
        try {
            while (!open.isEmpty() && System.nanoTime() < end) {
                Thread.sleep(Duration.ofMillis(10));
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public boolean isRunning() {
        return running;
    }
}
