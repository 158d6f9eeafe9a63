package dev.userdirectory.policy;

import dev.userdirectory.policy.RequestMemory.Reservation;
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
 * <p>Not synchronized: one thread at a time works on an operation.
 */
public final class Operation {
    /** The name of the request's attribute. */
    public static final String ATTRIBUTE = Operation.class.getName();

    private @Nullable Long started;
    private boolean onlyTimed;
    private Transport transport = Transport.POST;
    private @Nullable Client client;
    private @Nullable Executor executor;
    private @Nullable Reservation memory;
    private @Nullable Semaphore connections;
    private @Nullable SourceEvent event;
    private Caller caller = Caller.NOBODY;
    private boolean tracesFields;
    private @Nullable KnownDocument document;
    private @Nullable KnownOperation known;
    private KnownOperation.@Nullable Shape shape;
    private @Nullable ConsumptionProbe budget;
    private @Nullable ResponseBudget response;
    private boolean nullVariable;

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

    /**
     * Executes one event of the subscription that this operation has begun.
     *
     * @param share of the connections to PostgreSQL, for all events of the same caller
     */
    public Operation forEvent(SourceEvent one, Semaphore share, Reservation memoryOfEvent) {
        Operation operation = new Operation();
        operation.transport = transport;
        operation.event = one;
        operation.connections = share;
        operation.memory = memoryOfEvent;
        return operation;
    }

    /** By {@link System#nanoTime()}: when the request came, or now. */
    public long started() {
        return started == null ? System.nanoTime() : started;
    }

    public void setStarted(long nanoTime) {
        started = nanoTime;
    }

    /** Whether the request is in no trace that is recorded, so that timers are all it takes to observe it. */
    public boolean isOnlyTimed() {
        return onlyTimed;
    }

    public void setOnlyTimed() {
        onlyTimed = true;
    }

    public Transport transport() {
        return transport;
    }

    public void setTransport(Transport transport) {
        this.transport = transport;
    }

    /** Null where it cannot be told whether the client is still there. */
    public @Nullable Client client() {
        return client;
    }

    public void setClient(Client client) {
        this.client = client;
    }

    /** What executes the events of this subscription. Null if each may have a thread of its own. */
    public @Nullable Executor executor() {
        return executor;
    }

    public void setExecutor(Executor executor) {
        this.executor = executor;
    }

    /** The connections to PostgreSQL that the operation has to share. Null if only the queue limits them. */
    public @Nullable Semaphore connections() {
        return connections;
    }

    /** What the request and its response may take. */
    public @Nullable Reservation memory() {
        return memory;
    }

    public void setMemory(Reservation memory) {
        this.memory = memory;
    }

    /** Null if a client has sent the operation. */
    public @Nullable SourceEvent event() {
        return event;
    }

    public Caller caller() {
        return caller;
    }

    public void setCaller(Caller caller) {
        this.caller = caller;
    }

    /** Whether instrumentations look at each of its fields. */
    public boolean tracesFields() {
        return tracesFields;
    }

    public void traceFields() {
        tracesFields = true;
    }

    /** Null if the document has not been found valid yet. */
    public @Nullable KnownDocument document() {
        return document;
    }

    public void setDocument(KnownDocument document) {
        this.document = document;
    }

    /** Null if no operation of that name in the document has been executed yet. */
    public @Nullable KnownOperation known() {
        return known;
    }

    public void setKnown(@Nullable KnownOperation known) {
        this.known = known;
    }

    /** Null until it is executed. */
    public KnownOperation.@Nullable Shape shape() {
        return shape;
    }

    public void setShape(KnownOperation.Shape shape) {
        this.shape = shape;
    }

    /** How long the response may be cached. */
    public CachePolicy policy() {
        return shape == null ? CachePolicy.NONE : shape.policy();
    }

    /** What is left of the caller's budget. */
    public @Nullable ConsumptionProbe budget() {
        return budget;
    }

    public void setBudget(ConsumptionProbe budget) {
        this.budget = budget;
    }

    /** Whether the operation failed as a field does, with data that is null, because a variable is null. */
    public boolean hasNullVariable() {
        return nullVariable;
    }

    public void setNullVariable() {
        nullVariable = true;
    }

    /** Null until the first field is fetched. */
    public @Nullable ResponseBudget response() {
        return response;
    }

    public void setResponse(ResponseBudget response) {
        this.response = response;
    }
}
