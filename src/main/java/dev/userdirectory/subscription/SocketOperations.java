package dev.userdirectory.subscription;

import dev.userdirectory.graphql.limit.RequestMemory.Reservation;
import dev.userdirectory.graphql.operation.Operation;
import dev.userdirectory.graphql.operation.Transport;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.springframework.graphql.server.WebGraphQlHandler;
import org.springframework.graphql.server.WebGraphQlRequest;
import org.springframework.graphql.server.support.SerializableGraphQlRequest;
import org.springframework.security.core.Authentication;
import org.springframework.security.core.context.SecurityContext;
import org.springframework.security.core.context.SecurityContextImpl;
import org.springframework.web.server.ServerWebInputException;
import org.springframework.web.socket.CloseStatus;
import org.springframework.web.socket.WebSocketSession;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.publisher.Flux;
import reactor.core.scheduler.Schedulers;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The operations of a socket, by their IDs. Only one thread at a time starts and stops operations. */
final class SocketOperations {
    private static final Map<String, ?> PONG = Map.of("type", "pong");
    /** Every message about an operation repeats its ID, which is usually a UUID. */
    private static final int MAX_ID_CHARS = 200;

    private final WebSocketSession session;
    private final WebGraphQlHandler graphQl;
    private final Admission admission;
    private final JsonMapper json;
    private final Consumer<Map<String, ?>> send;
    private final Consumer<CloseStatus> close;
    private final BoundedExecutor executor;
    private final Map<String, Disposable.Composite> running = new ConcurrentHashMap<>();
    private volatile boolean stopped;

    /** Completes once all operations received so far have begun. A {@code pong} waits for this, and so confirms them. */
    private CompletableFuture<Void> begun = CompletableFuture.completedFuture(null);

    /** The pong, which waits for {@link #begun}; null if no ping has arrived since the last operation. */
    private @Nullable CompletableFuture<Void> pong;

    SocketOperations(
            WebSocketSession session,
            WebGraphQlHandler graphQl,
            Admission admission,
            JsonMapper json,
            Consumer<Map<String, ?>> send,
            Consumer<CloseStatus> close) {
        this.session = session;
        this.graphQl = graphQl;
        this.admission = admission;
        this.json = json;
        this.send = send;
        this.close = close;
        executor = new BoundedExecutor(admission.properties().concurrency());
    }

    void start(String id, JsonNode payload, Authentication authentication) {
        if (id.isEmpty() || id.length() > MAX_ID_CHARS || !payload.isObject()) {
            throw new SocketError(
                    4400, "subscribe needs an id of at most " + MAX_ID_CHARS + " characters, and a payload");
        }
        Reservation memory = admission.memoryOf(authentication);
        WebGraphQlRequest request = request(id, payload, memory);
        Disposable.Composite operation = Disposables.composite();
        if (running.putIfAbsent(id, operation) != null) {
            throw new SocketError(4409, "Subscriber for " + id + " already exists");
        }
        String client = Admission.client(authentication, session.getRemoteAddress());
        try {
            // The executor also counts operations that the client has stopped but that have not ended yet.
            admission.checkOperationsOfSocket(Math.max(running.size() - 1, executor.size()));
            operation.add(admission.operationOf(
                    client, request.getDocument(), request.getVariables(), request.getExtensions()));
        } catch (LimitReached e) {
            fail(id, operation, Result.refused(e).errors());
            return;
        }
        SecurityContext security = new SecurityContextImpl(authentication);
        CompletableFuture<Void> thisBegun = new CompletableFuture<>();
        begun = CompletableFuture.allOf(begun, thisBegun);
        pong = null;
        operation.add(graphQl.handleRequest(request)
                .subscribeOn(Schedulers.fromExecutor(task -> executor.execute(memory.during(task))))
                .contextWrite(context -> context.put(SecurityContext.class.getName(), security))
                .doOnNext(response -> operation.add(admission.documentOf(client, request, response)))
                .doFinally(signal -> thisBegun.complete(null))
                .flatMapMany(Result::of)
                .onErrorResume(LimitReached.class, limit -> Flux.just(Result.refused(limit)))
                .subscribe(
                        result -> next(id, operation, result),
                        exception -> close.accept(CloseStatus.SERVER_ERROR),
                        () -> end(id, operation, Map.of("type", "complete", "id", id))));
        if (stopped) {
            // If the socket was closed before this operation was added, closing it has not stopped the operation.
            operation.dispose();
        }
    }

    private WebGraphQlRequest request(String id, JsonNode payload, Reservation memory) {
        Operation operation = new Operation();
        operation.transport = Transport.SOCKET;
        operation.executor = executor;
        operation.memory = memory;
        try {
            return new WebGraphQlRequest(
                    Objects.requireNonNull(session.getUri()),
                    session.getHandshakeHeaders(),
                    null,
                    session.getRemoteAddress(),
                    Map.of(Operation.ATTRIBUTE, operation),
                    json.treeToValue(payload, SerializableGraphQlRequest.class),
                    id,
                    null);
        } catch (ServerWebInputException | JacksonException e) {
            throw new SocketError(4400, "The payload is not a GraphQL request");
        }
    }

    private void next(String id, Disposable operation, Result result) {
        String forbidden = result.forbidden();
        if (forbidden != null) {
            close.accept(SocketError.status(4403, forbidden));
        } else if (!result.isError()) {
            send.accept(Map.of("type", "next", "id", id, "payload", result.response()));
        } else {
            fail(id, operation, result.errors());
        }
    }

    private void fail(String id, Disposable operation, List<Map<String, ?>> errors) {
        end(id, operation, Map.of("type", "error", "id", id, "payload", errors));
    }

    /** Frees the ID first: the client may use it again as soon as it receives the last message. */
    private void end(String id, Disposable operation, Map<String, ?> lastMessage) {
        if (running.remove(id, operation)) {
            operation.dispose();
            send.accept(lastMessage);
        }
    }

    /** Stops an operation that the client no longer wants, if it still runs. */
    void stop(String id) {
        Disposable operation = running.remove(id);
        if (operation != null) {
            operation.dispose();
        }
    }

    /**
     * Sends a pong once all operations received so far have begun. Pings that wait for the same operations share one
     * pong.
     */
    void confirm() {
        if (pong == null || pong.isDone()) {
            pong = begun.thenRun(() -> send.accept(PONG));
        }
    }

    void stopAll() {
        stopped = true;
        List.copyOf(running.values()).forEach(Disposable::dispose);
        running.clear();
    }
}
