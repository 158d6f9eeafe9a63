package dev.userdirectory.graphql.operation;

import dev.userdirectory.graphql.cache.CachePolicy;
import dev.userdirectory.graphql.cache.Dependencies;
import dev.userdirectory.graphql.document.KnownDocument;
import dev.userdirectory.graphql.document.KnownOperation;
import dev.userdirectory.graphql.limit.RequestMemory.Reservation;
import dev.userdirectory.graphql.limit.ResponseBudget;
import dev.userdirectory.graphql.scope.Caller;
import graphql.GraphQLContext;
import io.github.bucket4j.ConsumptionProbe;
import jakarta.servlet.http.HttpServletRequest;
import java.util.Objects;
import java.util.concurrent.Executor;
import java.util.concurrent.Semaphore;
import org.jspecify.annotations.Nullable;
import org.springframework.graphql.server.WebGraphQlRequest;

/**
 * One operation on its way through the service, with everything known about it so far. It is an attribute of its
 * request from the first filter on, and in the GraphQL context during execution. Each event of a subscription is an
 * operation of its own.
 *
 * <p>This is plain state without rules: one step of the pipeline writes a field, and later steps read it. Only one
 * thread at a time works on an operation.
 */
public final class Operation {
    /** The name of the request attribute that holds the operation. */
    public static final String ATTRIBUTE = Operation.class.getName();

    /** When the request arrived, by {@link System#nanoTime()}; null if time counts from the start of execution. */
    public @Nullable Long started;

    /** True if the request is not part of a recorded trace, so that it is observed with timers alone. */
    public boolean isOnlyTimed;

    public Transport transport = Transport.POST;
    /** The idempotency key from the request's headers; null if there is none. */
    public @Nullable String idempotencyKey;
    /** Whether the request has an idempotency header that does not contain exactly one key. */
    public boolean hasMalformedKey;
    /** The connection to the client; null if a disconnect cannot be detected. */
    public @Nullable Client client;

    /** Runs the events of this subscription; null if each event may have its own thread. */
    public @Nullable Executor executor;
    /**
     * The permits for the PostgreSQL connections that the operation shares with others; null if only the queue limits
     * them.
     */
    public @Nullable Semaphore connections;
    /** The memory that is reserved for the request and its response. */
    public @Nullable Reservation memory;
    /** The subscription event to execute; null if a client sent the operation. */
    public @Nullable SourceEvent event;

    public Caller caller = Caller.NOBODY;
    /** Whether each field is traced, in which case shortcuts must not complete any. */
    public boolean tracesFields;
    /** The document; null until it has been found valid, and once it is {@linkplain #forgetDocument forgotten}. */
    public @Nullable KnownDocument document;
    /** The operation in the document; null until an operation with this name has been executed. */
    public @Nullable KnownOperation known;
    /** The cost and the cache policy; null until the operation is executed. */
    public KnownOperation.@Nullable Shape shape;
    /** What is left of the caller's rate limit; null until the operation is executed, or if there is no rate limit. */
    public @Nullable ConsumptionProbe budget;
    /** The bytes of the response; null until the operation is executed. */
    public @Nullable ResponseBudget response;

    /** The dependencies of the response, as far as the operation has been executed. */
    public final Dependencies dependencies = new Dependencies();

    /** The connection to the client, while the operation is executed. */
    public interface Client {
        /** Whether the client has disconnected; polled during execution. */
        boolean isGone();

        /** Must be called when the operation is over, since the connection then belongs to the server again. */
        void answered();

        /** Closes the connection in the middle of the response, so that the client cannot mistake it for complete. */
        void cut();
    }

    public static Operation of(HttpServletRequest request) {
        if (request.getAttribute(ATTRIBUTE) instanceof Operation known) {
            return known;
        }
        Operation operation = new Operation();
        request.setAttribute(ATTRIBUTE, operation);
        return operation;
    }

    public static Operation of(WebGraphQlRequest request) {
        return (Operation) Objects.requireNonNull(request.getAttributes().get(ATTRIBUTE), "Has not passed our filters");
    }

    public static Operation of(GraphQLContext context) {
        return Objects.requireNonNull(context.get(Operation.class), "Not executed by the OperationPipeline");
    }

    /** Creates the operation that executes one event of this subscription. */
    public Operation forEvent(SourceEvent one, Semaphore connections, Reservation memory) {
        Operation operation = new Operation();
        operation.transport = transport;
        operation.connections = connections;
        operation.memory = memory;
        operation.event = one;
        return operation;
    }

    /**
     * Releases the document, with all that is known of it, since it takes up many times the memory of its text. For
     * operations that remain referenced after their execution.
     */
    public void forgetDocument() {
        document = null;
        known = null;
        shape = null;
    }

    /** Whether this operation begins a subscription; false for the events of a subscription. */
    public boolean isSubscription() {
        return event == null && known != null && known.type().equals("subscription");
    }

    /** How long the response may be cached. */
    public CachePolicy policy() {
        return shape == null ? CachePolicy.NONE : shape.policy();
    }
}
