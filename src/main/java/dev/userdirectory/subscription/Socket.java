package dev.userdirectory.subscription;

import dev.userdirectory.graphql.limit.Limits;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.springframework.graphql.server.WebGraphQlHandler;
import org.springframework.security.authentication.AuthenticationManager;
import org.springframework.security.core.Authentication;
import org.springframework.web.socket.CloseStatus;
import org.springframework.web.socket.TextMessage;
import org.springframework.web.socket.WebSocketSession;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.scheduler.Schedulers;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * A client's WebSocket with the subprotocol {@code graphql-transport-ws}. The socket is closed when its token expires,
 * unless the client first sends a {@code ping} with a new {@code Authorization} in its payload.
 */
final class Socket {
    private final WebSocketSession session;
    private final Admission admission;
    private final SocketCaller caller;
    private final IncomingMessage incoming;
    private final SocketOperations operations;
    private final Outlet outlet = new Outlet(() -> close(CloseStatus.SESSION_NOT_RELIABLE));
    /** Closes the socket if {@code connection_init} does not arrive in time, and later when the token expires. */
    private final Disposable.Swap deadline = Disposables.swap();

    /** @throws LimitReached if too many sockets are open, or too many without a token from the same network address */
    Socket(
            WebSocketSession session,
            WebGraphQlHandler graphQl,
            AuthenticationManager tokens,
            Admission admission,
            JsonMapper json,
            Limits limits,
            Duration initTimeout) {
        this.session = session;
        this.admission = admission;
        caller = new SocketCaller(session, tokens, admission);
        incoming = new IncomingMessage(json, limits, admission.memoryOf(null));
        operations = new SocketOperations(session, graphQl, admission, json, this::send, this::close);
        closeAfter(initTimeout, new CloseStatus(4408, "Connection initialisation timeout"));
    }

    /** Called by one thread at a time. */
    void receive(TextMessage part) {
        if (outlet.isClosed()) {
            return;
        }
        try {
            incoming.add(part.getPayload(), caller.isInitialized());
            if (!part.isLast()) {
                return;
            }
            JsonNode message = incoming.parse();
            if (!outlet.isClosed()) {
                handle(message);
            }
        } catch (SocketError e) {
            admission.countDenied(e.denied());
            close(e.status());
        }
        incoming.forget();
    }

    private void handle(JsonNode message) {
        JsonNode payload = message.path("payload");
        String id = message.path("id").isString() ? message.get("id").asString() : "";
        if (!payload.isObject() && !payload.isNull() && !payload.isMissingNode()) {
            throw SocketError.malformedMessage();
        }
        switch (message.path("type").asString("")) {
            case "connection_init" -> {
                Authentication authentication = caller.initialize(payload);
                closeAtExpiry(authentication);
                incoming.reserveFrom(admission.memoryOf(authentication));
                send(Map.of("type", "connection_ack"));
            }
            case "ping" -> {
                if (SocketCaller.hasToken(payload)) {
                    closeAtExpiry(caller.renew(payload));
                }
                operations.confirm();
            }
            case "pong" -> {}
            case "subscribe" -> operations.start(id, payload, caller.authentication());
            case "complete" -> {
                if (id.isEmpty()) {
                    throw SocketError.malformedMessage();
                }
                operations.stop(id);
            }
            default -> throw SocketError.malformedMessage();
        }
    }

    /** Keeps clients and proxies from closing an idle connection. */
    void ping() {
        if (caller.isInitialized()) {
            outlet.ping(() -> session.sendMessage(new TextMessage(Messages.encode(Map.of("type", "ping")))));
        }
    }

    /** Encodes the message only when it is about to be written, so that waiting messages take less memory. */
    private void send(Map<String, ?> message) {
        outlet.write(() -> session.sendMessage(new TextMessage(Messages.encode(message))));
    }

    private void closeAtExpiry(Authentication authentication) {
        Duration left = Tokens.timeLeft(authentication);
        if (left == null) {
            deadline.update(Disposables.disposed());
        } else {
            closeAfter(left, SocketError.unauthorized("Token expired").status());
        }
    }

    private void closeAfter(Duration delay, CloseStatus status) {
        deadline.update(Schedulers.parallel()
                .schedule(() -> close(status), Math.max(0, delay.toMillis()), TimeUnit.MILLISECONDS));
    }

    void close(CloseStatus status) {
        if (outlet.close()) {
            stop();
            outlet.finish(() -> session.close(status));
        }
    }

    /** Must be called once either side has closed the session. */
    void release() {
        outlet.close();
        stop();
        incoming.release();
        caller.release();
    }

    private void stop() {
        deadline.dispose();
        operations.stopAll();
    }
}
