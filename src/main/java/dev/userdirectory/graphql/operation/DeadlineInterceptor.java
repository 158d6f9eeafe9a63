package dev.userdirectory.graphql.operation;

import com.netflix.graphql.types.errors.ErrorType;
import com.netflix.graphql.types.errors.TypedGraphQLError;
import dev.userdirectory.database.BackgroundThreads;
import dev.userdirectory.database.Deadline;
import dev.userdirectory.error.ErrorCode;
import dev.userdirectory.error.LogInterval;
import dev.userdirectory.graphql.limit.Limits;
import graphql.ExecutionResult;
import graphql.GraphQLError;
import io.micrometer.context.ContextSnapshot;
import io.micrometer.context.ContextSnapshotFactory;
import java.time.Duration;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.beans.factory.DisposableBean;
import org.springframework.graphql.server.WebGraphQlInterceptor;
import org.springframework.graphql.server.WebGraphQlRequest;
import org.springframework.graphql.server.WebGraphQlResponse;
import org.springframework.graphql.support.DefaultExecutionGraphQlResponse;
import org.springframework.stereotype.Component;
import reactor.core.publisher.Mono;
import reactor.util.context.Context;
import reactor.util.context.ContextView;

/**
 * Ends every operation by its deadline. At the deadline, or when the client disconnects, it stops the operation's SQL.
 * A subscription counts as an operation until it begins; each of its events is another one. Exceptions that are thrown
 * outside data fetchers are also turned into errors here.
 *
 * <p>The operation runs on the calling thread, which is a virtual one. Handing it over to another thread, and the
 * response back, would slow down every operation.
 */
@Component
public class DeadlineInterceptor implements WebGraphQlInterceptor, DisposableBean {
    private static final Logger log = LoggerFactory.getLogger(DeadlineInterceptor.class);
    private static final Duration LOOK = Duration.ofMillis(20);
    /** Clients are checked once in this many rounds, because each check is a system call. */
    private static final int ROUNDS_PER_CLIENT_CHECK = 10;

    private final Duration limit;
    private final ContextSnapshotFactory snapshots =
            ContextSnapshotFactory.builder().build();
    private final Set<Running> running = ConcurrentHashMap.newKeySet();
    private final BackgroundThreads.Task timer;
    private final LogInterval stoppedLines = new LogInterval();
    private int looks;

    DeadlineInterceptor(Limits limits, BackgroundThreads threads) {
        this.limit = limits.deadline();
        timer = threads.start("deadlines", task -> {
            look();
            Thread.sleep(LOOK);
        });
    }

    /** @param end the deadline, by {@link System#nanoTime()} */
    private record Running(Deadline deadline, long end, Operation.@Nullable Client client) {
        boolean isLate() {
            return System.nanoTime() - end >= 0;
        }
    }

    private void look() {
        boolean lookForClients = ++looks % ROUNDS_PER_CLIENT_CHECK == 0;
        for (Running operation : running) {
            try {
                if (operation.isLate() || (lookForClients && operation.client != null && operation.client.isGone())) {
                    operation.deadline.stop();
                }
                operation.deadline.reportWaitToPool();
            } catch (RuntimeException e) {
                // Keep enforcing the deadlines of the other operations.
                log.error("Cannot tell whether to stop an operation", e);
            }
        }
    }

    @Override
    public Mono<WebGraphQlResponse> intercept(WebGraphQlRequest request, Chain chain) {
        return Mono.deferContextual(context -> Mono.create(sink -> {
            Operation operation = Operation.of(request);
            Deadline deadline = new Deadline(Thread.currentThread(), operation.caller.account(), operation.connections);
            sink.onCancel(deadline::stop);
            sink.success(answer(request, chain, context, deadline, operation));
        }));
    }

    private WebGraphQlResponse answer(
            WebGraphQlRequest request, Chain chain, ContextView context, Deadline deadline, Operation operation) {
        Operation.Client client = operation.client;
        long started = operation.started == null ? System.nanoTime() : operation.started;
        Running work = new Running(deadline, started + limit.toNanos(), client);
        Context ofOperation = Context.of(context).put(Deadline.class, deadline);
        running.add(work);
        // A socket runs each operation on a new thread, which has no thread-locals yet.
        try (ContextSnapshot.Scope threadLocals = snapshots.setThreadLocalsFrom(ofOperation)) {
            WebGraphQlResponse response = Objects.requireNonNull(
                    chain.next(request).contextWrite(ofOperation).block());
            return deadline.isOver()
                            && !response.getExecutionResult().getErrors().isEmpty()
                    ? answer(request, operation, stopped(work))
                    : response;
        } catch (RuntimeException | StackOverflowError e) {
            return answer(
                    request,
                    operation,
                    deadline.isOver()
                            ? stopped(work)
                            : ErrorHandler.unforeseen(e, "the operation").build());
        } finally {
            running.remove(work);
            if (client != null) {
                client.answered();
            }
            deadline.end();
        }
    }

    /** Logs only missed deadlines: if the client disconnected before its deadline, nobody reads the error. */
    private GraphQLError stopped(Running work) {
        long count = work.isLate() ? stoppedLines.count() : 0;
        if (count > 0) {
            log.warn("Stopped operations after {} ms: {} since the last such line", limit.toMillis(), count);
        }
        return TypedGraphQLError.newBuilder()
                .errorType(ErrorType.UNAVAILABLE)
                .message(
                        "Stopped after %s ms, the most that a request may take. Whether a mutation took effect is"
                                + " unknown",
                        limit.toMillis())
                .extensions(ErrorCode.DEADLINE_EXCEEDED.extensions(Map.of("limit", limit.toMillis())))
                .build();
    }

    /**
     * The result has {@code data: null} rather than no data: the request itself was valid, so its status is not 400. A
     * subscription that has not begun has no data at all.
     */
    private static WebGraphQlResponse answer(WebGraphQlRequest request, Operation operation, GraphQLError error) {
        ExecutionResult.Builder<?> result = ExecutionResult.newExecutionResult().addError(error);
        return new WebGraphQlResponse(new DefaultExecutionGraphQlResponse(
                request.toExecutionInput(), (operation.isSubscription() ? result : result.data(null)).build()));
    }

    @Override
    public void destroy() {
        timer.stop(Duration.ZERO);
    }
}
