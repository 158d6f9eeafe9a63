package dev.userdirectory.platform;

import com.netflix.graphql.types.errors.ErrorType;
import com.netflix.graphql.types.errors.TypedGraphQLError;
import dev.userdirectory.policy.Limits;
import graphql.ExecutionResult;
import graphql.GraphQLError;
import io.micrometer.context.ContextSnapshot;
import io.micrometer.context.ContextSnapshotFactory;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.beans.factory.DisposableBean;
import org.springframework.core.annotation.Order;
import org.springframework.graphql.server.WebGraphQlInterceptor;
import org.springframework.graphql.server.WebGraphQlRequest;
import org.springframework.graphql.server.WebGraphQlResponse;
import org.springframework.graphql.support.DefaultExecutionGraphQlResponse;
import org.springframework.stereotype.Component;
import reactor.core.publisher.Mono;
import reactor.util.context.ContextView;

/**
 * Answers every operation by its deadline, whatever the threads that work for it are waiting for, and stops their SQL;
 * stops it too when the client is gone. Of a subscription that is until it begins. What fails outside of a data fetcher
 * is answered here as well.
 */
@Component
@Order(-100) // Around everything else that is done for an operation.
class DeadlineInterceptor implements WebGraphQlInterceptor, DisposableBean {
    private static final Logger log = LoggerFactory.getLogger(DeadlineInterceptor.class);
    private static final Duration LOOK_FOR_CLIENT = Duration.ofMillis(200);

    private final Duration limit;
    private final ContextSnapshotFactory snapshots =
            ContextSnapshotFactory.builder().build();
    private final Set<Waiting> waiting = ConcurrentHashMap.newKeySet();
    private final ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().daemon().name("clients").factory());

    private final Future<?> looking;

    DeadlineInterceptor(Limits limits) {
        this.limit = limits.deadline();
        looking = timer.scheduleWithFixedDelay(
                () -> waiting.forEach(Waiting::stopIfClientIsGone),
                LOOK_FOR_CLIENT.toMillis(),
                LOOK_FOR_CLIENT.toMillis(),
                TimeUnit.MILLISECONDS);
    }

    private record Waiting(Deadline deadline, ClientConnection connection) {
        void stopIfClientIsGone() {
            if (connection.isGone()) {
                deadline.stop();
            }
        }
    }

    @Override
    public Mono<WebGraphQlResponse> intercept(WebGraphQlRequest request, Chain chain) {
        return Mono.deferContextual(context -> {
            Deadline deadline = new Deadline();
            Waiting client =
                    request.getAttributes().get(ClientConnection.ATTRIBUTE) instanceof ClientConnection connection
                            ? new Waiting(deadline, connection)
                            : null;
            if (client != null) {
                waiting.add(client);
            }
            CompletableFuture<WebGraphQlResponse> answer = new CompletableFuture<>();
            ContextSnapshot caller = snapshots.captureAll(context);
            Thread.startVirtualThread(caller.wrap(() -> work(request, chain, context, deadline, answer)));
            return Mono.fromFuture(answer.orTimeout(remaining(request).toMillis(), TimeUnit.MILLISECONDS)
                            .handle((response, exception) -> {
                                if (client != null) {
                                    waiting.remove(client);
                                    client.connection.answered();
                                }
                                return exception == null ? response : answer(request, error(exception, deadline));
                            }))
                    .doOnCancel(deadline::stop);
        });
    }

    private static void work(
            WebGraphQlRequest request,
            WebGraphQlInterceptor.Chain chain,
            ContextView context,
            Deadline deadline,
            CompletableFuture<WebGraphQlResponse> answer) {
        new Deadline.Accessor().setValue(deadline);
        try {
            chain.next(request)
                    .contextWrite(written -> written.putAll(context).put(Deadline.class, deadline))
                    .subscribe(answer::complete, answer::completeExceptionally);
        } catch (RuntimeException | Error e) {
            answer.completeExceptionally(e);
        }
    }

    /** Reading a body takes from the time as well. */
    private Duration remaining(WebGraphQlRequest request) {
        return request.getAttributes().get(BodyLimit.STARTED) instanceof Long started
                ? limit.minusNanos(System.nanoTime() - started)
                : limit;
    }

    private GraphQLError error(Throwable exception, Deadline deadline) {
        if (!(exception instanceof TimeoutException)) {
            return ErrorHandler.unforeseen(exception, "the operation").build();
        }
        deadline.stop();
        log.warn("Stopped an operation after {} ms", limit.toMillis());
        return TypedGraphQLError.newBuilder()
                .errorType(ErrorType.UNAVAILABLE)
                .message(
                        "Stopped after %s ms, the most that a request may take. It is not known how far a mutation came",
                        limit.toMillis())
                .extensions(Map.of("code", "DEADLINE_EXCEEDED", "limit", limit.toMillis()))
                .build();
    }

    /** Data that is null, not absent: the request was good, so it is not HTTP status 400. */
    private static WebGraphQlResponse answer(WebGraphQlRequest request, GraphQLError error) {
        return new WebGraphQlResponse(new DefaultExecutionGraphQlResponse(
                request.toExecutionInput(),
                ExecutionResult.newExecutionResult().data(null).addError(error).build()));
    }

    @Override
    public void destroy() {
        looking.cancel(false);
        timer.shutdown();
    }
}
