package dev.userdirectory.subscription;

import dev.userdirectory.graphql.limit.JsonLimitExceeded;
import dev.userdirectory.graphql.limit.JsonValues;
import dev.userdirectory.graphql.limit.Limits;
import dev.userdirectory.graphql.limit.RequestMemory.Reservation;
import dev.userdirectory.graphql.operation.Operation;
import dev.userdirectory.graphql.operation.Transport;
import dev.userdirectory.graphql.scope.Caller;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.springframework.graphql.server.WebGraphQlHandler;
import org.springframework.graphql.server.WebGraphQlRequest;
import org.springframework.graphql.server.support.SerializableGraphQlRequest;
import org.springframework.security.authentication.AnonymousAuthenticationToken;
import org.springframework.security.authentication.AuthenticationManager;
import org.springframework.security.core.Authentication;
import org.springframework.security.core.AuthenticationException;
import org.springframework.security.core.context.SecurityContext;
import org.springframework.security.core.context.SecurityContextImpl;
import org.springframework.security.oauth2.core.OAuth2AuthenticationException;
import org.springframework.security.oauth2.server.resource.BearerTokenError;
import org.springframework.security.oauth2.server.resource.authentication.BearerTokenAuthenticationToken;
import org.springframework.web.server.ServerWebInputException;
import org.springframework.web.socket.CloseStatus;
import org.springframework.web.socket.TextMessage;
import org.springframework.web.socket.WebSocketSession;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.scheduler.Schedulers;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * A client's WebSocket with the subprotocol {@code graphql-transport-ws}. It is closed when its token expires, unless
 * the client sends a {@code ping} with a new {@code Authorization} in its payload before.
 */
final class Socket {
    private static final Map<String, ?> PING = Map.of("type", "ping");
    private static final Map<String, ?> PONG = Map.of("type", "pong");
    private static final CloseStatus NOT_OF_THE_PROTOCOL =
            new CloseStatus(4400, "Not a message of graphql-transport-ws");
    /** Every message about an operation repeats its ID, which is usually a UUID. */
    private static final int MAX_ID_CHARS = 200;

    /** RFC 6455 5.5: a control frame has at most 125 bytes of payload, two of which are the code. */
    private static final int MAX_REASON_BYTES = 123;

    private final WebSocketSession session;
    private final WebGraphQlHandler graphQl;
    private final AuthenticationManager tokens;
    private final Admission admission;
    private final JsonMapper json;
    private final Limits limits;
    private final int maxOperations;
    private final Map<String, Disposable.Composite> operations = new ConcurrentHashMap<>();
    private final BoundedExecutor executor;
    private final Disposable place;
    /** Counts this socket for its network address and, once it has sent a token, for the token's subject. */
    private final Disposable.Swap placeOfClient = Disposables.swap();

    /** Fair, so that threads write in the order in which they came: a session sends one message at a time. */
    private final ReentrantLock writing = new ReentrantLock(true);

    private final AtomicBoolean closed = new AtomicBoolean();
    /** Closes the socket if {@code connection_init} does not arrive in time, and later when the token expires. */
    private final Disposable.Swap deadline = Disposables.swap();

    private final StringBuilder received = new StringBuilder();
    private int values;
    /** The memory of the message that is being received. */
    private volatile Reservation incoming;

    /** Completes once all operations received have begun. A {@code pong} waits for this, and so confirms them. */
    private CompletableFuture<Void> begun = CompletableFuture.completedFuture(null);

    /** The answer to pings, which waits for {@link #begun}; null if no ping has arrived since the last operation. */
    private @Nullable CompletableFuture<Void> pong;

    private volatile @Nullable Authentication caller;

    /** @throws LimitReached if too many sockets are open, or too many of its network address without a token */
    Socket(
            WebSocketSession session,
            WebGraphQlHandler graphQl,
            AuthenticationManager tokens,
            Admission admission,
            JsonMapper json,
            Limits limits,
            Duration initTimeout) {
        this.session = session;
        this.graphQl = graphQl;
        this.tokens = tokens;
        this.limits = limits;
        this.admission = admission;
        this.json = json;
        maxOperations = admission.properties().operationsPerSocket();
        incoming = admission.memoryOf(null);
        executor = new BoundedExecutor(admission.properties().concurrency());
        place = admission.connection();
        try {
            placeOfClient.update(admission.connectionOf(Admission.client(null, session.getRemoteAddress())));
        } catch (LimitReached e) {
            place.dispose();
            throw e;
        }
        closeAfter(initTimeout, new CloseStatus(4408, "Connection initialisation timeout"));
    }

    /** Called by one thread at a time. */
    void receive(TextMessage part) {
        if (closed.get()) {
            return;
        }
        int limit = caller == null ? limits.firstMessage() : limits.message();
        if (received.length() + part.getPayload().length() > limit) {
            forget();
            close(CloseStatus.TOO_BIG_TO_PROCESS.withReason(String.format(
                    Locale.ROOT,
                    "A message has at most %,d characters%s",
                    limit,
                    caller == null ? " until connection_init succeeds" : "")));
            return;
        }
        values += (int)
                part.getPayload().chars().filter(JsonValues::mayPrecedeValue).count();
        if (!incoming.growForJson(
                received.length() + part.getPayload().length(), Math.min(values, limits.variables()))) {
            forget();
            close(CloseStatus.SERVICE_OVERLOAD.withReason("Too many large messages at a time: try again"));
            return;
        }
        received.append(part.getPayload());
        if (part.isLast()) {
            String text = received.toString();
            received.setLength(0);
            handle(text);
            forget();
        }
    }

    private void forget() {
        received.setLength(0);
        received.trimToSize();
        values = 0;
        incoming.clear();
    }

    private void handle(String text) {
        JsonNode message;
        try {
            message = read(text);
        } catch (JsonLimitExceeded e) {
            close(new CloseStatus(4400, reason(e.error().getMessage())));
            return;
        } catch (JacksonException e) {
            close(new CloseStatus(4400, "Not JSON"));
            return;
        }
        if (closed.get()) {
            return;
        }
        JsonNode payload = message.path("payload");
        String id = message.path("id").isString() ? message.get("id").asString() : "";
        if (!payload.isObject() && !payload.isNull() && !payload.isMissingNode()) {
            close(NOT_OF_THE_PROTOCOL);
            return;
        }
        switch (message.path("type").asString("")) {
            case "connection_init" -> initialize(payload);
            case "ping" -> {
                if (authorization(payload) == null || renew(payload)) {
                    pong();
                }
            }
            case "pong" -> {}
            case "subscribe" -> subscribe(id, payload);
            case "complete" -> {
                if (id.isEmpty()) {
                    close(NOT_OF_THE_PROTOCOL);
                    return;
                }
                Disposable operation = operations.remove(id);
                if (operation != null) {
                    operation.dispose();
                }
            }
            default -> close(NOT_OF_THE_PROTOCOL);
        }
    }

    /** Pings that wait for the same operations share one pong. */
    private void pong() {
        if (pong == null || pong.isDone()) {
            pong = begun.thenRun(() -> send(PONG));
        }
    }

    private JsonNode read(String text) {
        try (JsonParser parser = json.createParser(text)) {
            if (parser.nextToken() != null) {
                new JsonValues(parser, limits).skip();
            }
        }
        return json.readTree(text);
    }

    private void initialize(JsonNode payload) {
        if (caller != null) {
            close(new CloseStatus(4429, "Too many initialisation requests"));
            return;
        }
        Authentication authentication = authorization(payload) == null ? ofHandshake() : authenticate(payload);
        if (authentication == null) {
            close(unauthorized("Unauthorized"));
            return;
        }
        try {
            placeOfClient.update(admission.connectionOf(Admission.client(authentication, session.getRemoteAddress())));
        } catch (LimitReached e) {
            close(CloseStatus.SERVICE_OVERLOAD.withReason(reason(String.valueOf(e.getMessage()))));
            return;
        }
        accept(authentication);
        incoming.close();
        incoming = admission.memoryOf(authentication);
        send(Map.of("type", "connection_ack"));
    }

    /**
     * Replaces the token. The new one must have the old subject and at least the old scopes, since the open
     * subscriptions continue with the rights they began with.
     */
    private boolean renew(JsonNode payload) {
        Authentication old = caller;
        Authentication fresh = authenticate(payload);
        if (old == null || fresh == null) {
            close(unauthorized("Unauthorized"));
            return false;
        }
        if (!fresh.getName().equals(old.getName())
                || !Caller.of(fresh).scopes().containsAll(Caller.of(old).scopes())) {
            close(new CloseStatus(4403, "The new token must be of the same subject, with the scopes of the old"));
            return false;
        }
        accept(fresh);
        return true;
    }

    private void accept(Authentication authentication) {
        caller = authentication;
        Instant expiry = Tokens.expiry(authentication);
        if (expiry == null) {
            deadline.update(Disposables.disposed());
        } else {
            closeAfter(Duration.between(Instant.now(), expiry), unauthorized("Token expired"));
        }
    }

    private @Nullable Authentication ofHandshake() {
        return session.getPrincipal() instanceof Authentication authentication
                        && !(authentication instanceof AnonymousAuthenticationToken)
                ? authentication
                : null;
    }

    /** Closes the socket and returns null if the token is not valid. */
    private @Nullable Authentication authenticate(JsonNode payload) {
        String authorization = String.valueOf(authorization(payload));
        if (!authorization.regionMatches(true, 0, "Bearer ", 0, 7)
                || authorization.substring(7).isBlank()) {
            close(unauthorized("Authorization must be Bearer and a token"));
            return null;
        }
        try {
            return tokens.authenticate(new BearerTokenAuthenticationToken(
                    authorization.substring(7).strip()));
        } catch (OAuth2AuthenticationException e) {
            String reason = String.valueOf(e.getError().getDescription());
            boolean ours = e.getError() instanceof BearerTokenError error
                    && error.getHttpStatus().is5xxServerError();
            close(ours ? CloseStatus.SERVICE_OVERLOAD.withReason(reason) : unauthorized(reason));
        } catch (AuthenticationException e) {
            close(unauthorized("Unauthorized"));
        }
        return null;
    }

    private static @Nullable String authorization(JsonNode payload) {
        JsonNode value = payload.has("Authorization") ? payload.get("Authorization") : payload.get("authorization");
        return value == null || value.isNull() ? null : value.asString("");
    }

    private void subscribe(String id, JsonNode payload) {
        Authentication authentication = caller;
        if (authentication == null) {
            close(unauthorized("Unauthorized"));
            return;
        }
        if (id.isEmpty() || id.length() > MAX_ID_CHARS || !payload.isObject()) {
            close(new CloseStatus(
                    4400, "subscribe needs an id of at most " + MAX_ID_CHARS + " characters, and a payload"));
            return;
        }
        String client = Admission.client(authentication, session.getRemoteAddress());
        Reservation memory = admission.memoryOf(authentication);
        WebGraphQlRequest request;
        try {
            request = request(id, payload, memory);
        } catch (ServerWebInputException | JacksonException e) {
            close(new CloseStatus(4400, "The payload is not a GraphQL request"));
            return;
        }
        Disposable.Composite operation = Disposables.composite();
        if (operations.putIfAbsent(id, operation) != null) {
            close(new CloseStatus(4409, reason("Subscriber for " + id + " already exists")));
            return;
        }
        try {
            // The executor also counts operations that the client has stopped but that have not ended yet.
            if (Math.max(operations.size() - 1, executor.size()) >= maxOperations) {
                throw new LimitReached("At most %,d operations of one socket".formatted(maxOperations), maxOperations);
            }
            operation.add(admission.operationOf(client, request.getDocument(), request.getVariables()));
        } catch (LimitReached e) {
            fail(id, operation, List.of(e.error()));
            return;
        }
        SecurityContext security = new SecurityContextImpl(authentication);
        CompletableFuture<Void> thisBegun = new CompletableFuture<>();
        begun = CompletableFuture.allOf(begun, thisBegun);
        pong = null;
        operation.add(graphQl.handleRequest(request)
                .subscribeOn(Schedulers.fromExecutor(task -> executor.execute(memory.during(task))))
                .doFinally(signal -> thisBegun.complete(null))
                .contextWrite(context -> context.put(SecurityContext.class.getName(), security))
                .flatMapMany(Result::of)
                .subscribe(
                        result -> next(id, operation, result),
                        exception -> close(CloseStatus.SERVER_ERROR),
                        () -> complete(id, operation)));
        if (closed.get()) {
            // The socket may have been closed before this operation was added, and so did not stop it.
            operation.dispose();
        }
    }

    private WebGraphQlRequest request(String id, JsonNode payload, Reservation memory) {
        Operation operation = new Operation();
        operation.transport = Transport.SOCKET;
        operation.executor = executor;
        operation.memory = memory;
        return new WebGraphQlRequest(
                Objects.requireNonNull(session.getUri()),
                session.getHandshakeHeaders(),
                null,
                session.getRemoteAddress(),
                Map.of(Operation.ATTRIBUTE, operation),
                json.treeToValue(payload, SerializableGraphQlRequest.class),
                id,
                null);
    }

    private void next(String id, Disposable operation, Result result) {
        String forbidden = result.forbidden();
        if (forbidden != null) {
            close(new CloseStatus(4403, reason(forbidden)));
        } else if (!result.isError()) {
            send(Map.of("type", "next", "id", id, "payload", result.response()));
        } else {
            fail(id, operation, result.errors());
        }
    }

    private void fail(String id, Disposable operation, List<Map<String, ?>> errors) {
        if (operations.remove(id, operation)) {
            operation.dispose();
            send(Map.of("type", "error", "id", id, "payload", errors));
        }
    }

    /** Frees the ID first: the client may use it again as soon as it receives {@code complete}. */
    private void complete(String id, Disposable operation) {
        if (operations.remove(id, operation)) {
            operation.dispose();
            send(Map.of("type", "complete", "id", id));
        }
    }

    /** Keeps clients and proxies from closing an idle connection. */
    void ping() {
        // A message that is being written shows as well that the connection is alive.
        if (caller != null && !writing.isLocked()) {
            send(PING);
        }
    }

    /** Encodes the message only when its turn has come, so that waiting messages take less memory. */
    private void send(Map<String, ?> message) {
        writing.lock();
        try {
            if (!closed.get()) {
                session.sendMessage(new TextMessage(Messages.encode(message)));
            }
        } catch (IOException | IllegalStateException e) {
            // The client has disconnected, or has read nothing for so long that Tomcat gave up.
            close(CloseStatus.SESSION_NOT_RELIABLE);
        } finally {
            writing.unlock();
        }
    }

    private void closeAfter(Duration delay, CloseStatus status) {
        deadline.update(Schedulers.parallel()
                .schedule(() -> close(status), Math.max(0, delay.toMillis()), TimeUnit.MILLISECONDS));
    }

    /** Returns at once; another thread closes the session, since a client that does not read can block it. */
    void close(CloseStatus status) {
        if (!closed.compareAndSet(false, true)) {
            return;
        }
        stop();
        Thread.startVirtualThread(() -> {
            boolean alone = false;
            try {
                alone = writing.tryLock(1, TimeUnit.SECONDS);
                session.close(status);
            } catch (IOException | IllegalStateException e) {
                // The session is already closed.
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            } finally {
                if (alone) {
                    writing.unlock();
                }
            }
        });
    }

    /** Must be called once the session is closed, by either side. */
    void release() {
        closed.set(true);
        stop();
        incoming.close();
        place.dispose();
        placeOfClient.dispose();
    }

    private void stop() {
        deadline.dispose();
        List.copyOf(operations.values()).forEach(Disposable::dispose);
        operations.clear();
    }

    private static CloseStatus unauthorized(String reason) {
        return new CloseStatus(4401, reason(reason));
    }

    /** The text, truncated to what fits into a close frame. Unpaired surrogates become question marks. */
    private static String reason(String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        if (bytes.length <= MAX_REASON_BYTES) {
            return new String(bytes, StandardCharsets.UTF_8);
        }
        int end = MAX_REASON_BYTES;
        while ((bytes[end] & 0xC0) == 0x80) {
            end--;
        }
        return new String(bytes, 0, end, StandardCharsets.UTF_8);
    }
}
