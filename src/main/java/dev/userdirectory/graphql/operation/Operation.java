package dev.userdirectory.graphql.operation;

import dev.userdirectory.graphql.cache.CachePolicy;
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
 * One operation on its way through the service, with everything that is known about it so far. It is an attribute of its
 * request from the first filter on, and is in the GraphQL context while it is executed. Each event of a subscription is an
 * operation of its own.
 *
 * <p>It is plain state, without rules of its own: one step of the pipeline writes a field, and later ones read it. One thread
 * at a time works on an operation.
 */
public final class Operation {
    /** The name of the request's attribute. */
    public static final String ATTRIBUTE = Operation.class.getName();

    /** When the request came, by {@link System#nanoTime()}; null if that is when it is executed. */
    public @Nullable Long started;

    /** Whether no recorded trace has the request, so that timers are all it takes to observe it. */
    public boolean isOnlyTimed;

    public Transport transport = Transport.POST;
    /** Null where it cannot be told whether the client is still there. */
    public @Nullable Client client;

    /** What executes the events of this subscription; null if each may have a thread of its own. */
    public @Nullable Executor executor;
    /** The connections to PostgreSQL that the operation has to share; null if only the queue limits them. */
    public @Nullable Semaphore connections;
    /** What the request and its response may take. */
    public @Nullable Reservation memory;
    /** Null if a client has sent the operation. */
    public @Nullable SourceEvent event;

    public Caller caller = Caller.NOBODY;
    /** Whether instrumentations look at each of its fields. */
    public boolean tracesFields;
    /** Null until the document has been found valid. */
    public @Nullable KnownDocument document;
    /** Null until an operation of this name in the document has been executed. */
    public @Nullable KnownOperation known;
    /** Null until it is executed. */
    public KnownOperation.@Nullable Shape shape;
    /** What is left of the caller's budget, if there is one. */
    public @Nullable ConsumptionProbe budget;
    /** Null until it is executed. */
    public @Nullable ResponseBudget response;

    /** The other end of the connection, while the operation is executed. */
    public interface Client {
        /** To be called repeatedly. */
        boolean isGone();

        /** From now on the connection belongs to the server again. */
        void answered();
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
        if (request.getAttributes().get(ATTRIBUTE) instanceof Operation known) {
            return known;
        }
        Operation operation = new Operation();
        request.getAttributes().put(ATTRIBUTE, operation);
        return operation;
    }

    public static Operation of(GraphQLContext context) {
        return Objects.requireNonNull(context.get(Operation.class), "Not executed by the OperationPipeline");
    }

    /** Executes one event of the subscription that this operation has begun. */
    public Operation forEvent(SourceEvent one, Semaphore connections, Reservation memory) {
        Operation operation = new Operation();
        operation.transport = transport;
        operation.connections = connections;
        operation.memory = memory;
        operation.event = one;
        return operation;
    }

    /** Whether it begins a subscription, and is none of its events. */
    public boolean isSubscription() {
        return event == null && known != null && known.type().equals("subscription");
    }

    /** How long the response may be cached. */
    public CachePolicy policy() {
        return shape == null ? CachePolicy.NONE : shape.policy();
    }
}
