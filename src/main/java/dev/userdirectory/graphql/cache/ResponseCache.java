package dev.userdirectory.graphql.cache;

import dev.userdirectory.database.Deadline;
import dev.userdirectory.graphql.cache.DatabaseState.State;
import dev.userdirectory.graphql.document.KnownOperation;
import dev.userdirectory.graphql.limit.RequestMemory.Reservation;
import dev.userdirectory.graphql.limit.TooManyResponses;
import dev.userdirectory.graphql.operation.Operation;
import dev.userdirectory.graphql.operation.WrittenResult;
import graphql.ExecutionInput;
import graphql.ExecutionResult;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.ExecutionException;
import org.jspecify.annotations.Nullable;
import org.springframework.graphql.server.WebGraphQlInterceptor;
import org.springframework.graphql.server.WebGraphQlRequest;
import org.springframework.graphql.server.WebGraphQlResponse;
import org.springframework.graphql.support.DefaultExecutionGraphQlResponse;
import org.springframework.stereotype.Component;
import reactor.core.publisher.Mono;

/**
 * Returns cached responses, as long as {@code @cacheControl} in the schema allows and none of their dependencies has
 * changed in the database. Each request queries the database for new changes before it uses a response. So every
 * response contains all earlier writes, on every instance. A response is only reused for the callers it was meant for:
 * all callers with the same scopes, or one caller.
 *
 * <p>The policy of an operation is only known once it has been executed. Until then its response is treated as private.
 * The cache blocks the calling thread, which is a virtual one.
 */
@Component
public class ResponseCache implements WebGraphQlInterceptor {
    private final boolean enabled;
    private final DatabaseState database;
    private final CachedResponses responses;
    private final ConcurrentMap<List<Object>, Running> running = new ConcurrentHashMap<>();
    private final Counter uncached;

    ResponseCache(CacheProperties properties, DatabaseState database, CachedResponses responses, MeterRegistry meters) {
        this.enabled = properties.enabled();
        this.database = database;
        this.responses = responses;
        this.uncached = CachedResponses.requests(meters, "uncached");
    }

    /** @param deadline the deadline of the request that executes the operation for all waiting requests */
    private record Running(@Nullable Deadline deadline, CompletableFuture<@Nullable CachedResponse> response) {}

    @Override
    public Mono<WebGraphQlResponse> intercept(WebGraphQlRequest request, Chain chain) {
        Operation operation = Operation.of(request);
        if (!enabled || operation.event != null) {
            return execute(request, chain, operation);
        }
        KnownOperation known = operation.known;
        CachePolicy policy = known == null ? CachePolicy.UNKNOWN : known.policy();
        boolean mayBeCached = policy.maxAge() > 0
                && (operation.caller.isIdentified() || !policy.isPrivate())
                && !CacheHeaders.forbidCaching(request.getHeaders());
        State state = mayBeCached ? database.current() : null;
        if (state == null || policy.equals(CachePolicy.UNKNOWN)) {
            uncached.increment();
        }
        if (state == null) {
            return execute(request, chain, operation);
        }
        operation.dependencies.state = state;
        ExecutionInput input = request.toExecutionInput();
        String hash = known == null ? KnownOperation.hash(input.getQuery(), input.getOperationName()) : known.hash();
        CacheKey key = CacheKey.of(hash, input.getVariables(), operation.caller, policy);
        CachedResponse cached = policy.equals(CachePolicy.UNKNOWN) ? null : responses.find(key, state);
        return cached == null
                ? executeOnce(request, input, chain, operation, policy, key, state)
                : Mono.just(respond(input, cached, operation));
    }

    private static Mono<WebGraphQlResponse> execute(WebGraphQlRequest request, Chain chain, Operation operation) {
        return chain.next(request).doOnNext(response -> {
            CachePolicy policy = operation.policy();
            KnownOperation known = operation.known;
            boolean hasErrors = !response.getExecutionResult().getErrors().isEmpty();
            if (known != null && !hasErrors && known.policy().equals(CachePolicy.UNKNOWN)) {
                known.setPolicy(policy);
            }
            if (hasErrors || policy.maxAge() == 0) {
                CacheHeaders.setNoStore(response);
            } else {
                CacheHeaders.setMaxAge(response, Duration.ofSeconds(policy.maxAge()), operation.transport.isByGet());
            }
        });
    }

    /** If several requests need the same response at the same version, one executes the operation and the others wait. */
    private Mono<WebGraphQlResponse> executeOnce(
            WebGraphQlRequest request,
            ExecutionInput input,
            Chain chain,
            Operation operation,
            CachePolicy policyBefore,
            CacheKey key,
            State state) {
        List<Object> runningKey = List.of(key, state.server(), state.version());
        CompletableFuture<@Nullable CachedResponse> mine = new CompletableFuture<>();
        Running other = running.putIfAbsent(runningKey, new Running(Deadline.current(), mine));
        if (other != null) {
            CachedResponse response = await(other);
            return response == null
                    ? execute(request, chain, operation)
                    : Mono.just(respond(input, response, operation));
        }
        long started = System.nanoTime();
        // Deferred, so that an exception thrown at once also ends the wait of the others.
        return Mono.defer(() -> execute(request, chain, operation))
                .map(response -> {
                    CachePolicy policy = operation.policy();
                    // Fields that are skipped or included conditionally can change the policy from request to request.
                    CachedResponse cached = policy.isPrivate() && !policyBefore.isPrivate()
                            ? null
                            : CachedResponse.of(
                                    response.getExecutionResult(), policy, state, operation.dependencies, started);
                    if (cached != null) {
                        boolean isFirst = policyBefore.equals(CachePolicy.UNKNOWN);
                        responses.put(isFirst && !policy.isPrivate() ? key.ofAll() : key, cached);
                    }
                    mine.complete(cached);
                    return cached == null ? response : written(response, cached);
                })
                .doFinally(signal -> {
                    running.remove(runningKey);
                    mine.complete(null);
                });
    }

    /** Returns null if the response of the other request cannot be reused. */
    private static @Nullable CachedResponse await(Running other) {
        Deadline.waitFor(other.deadline);
        try {
            return other.response.get();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new CancellationException("The request is over");
        } catch (ExecutionException e) {
            return null;
        }
    }

    /** Returns the same response with its JSON, so that it is not serialized a second time when it is sent. */
    private static WebGraphQlResponse written(WebGraphQlResponse response, CachedResponse cached) {
        WebGraphQlResponse written = response(response.getExecutionInput(), new WrittenResult(cached.json()));
        written.getResponseHeaders().putAll(response.getResponseHeaders());
        return written;
    }

    private static WebGraphQlResponse respond(ExecutionInput input, CachedResponse cached, Operation operation) {
        Reservation memory = operation.memory;
        if (memory != null && !memory.growForWritten(cached.json().length, operation.transport.isInMessage())) {
            WebGraphQlResponse refused = response(input, TooManyResponses.result());
            CacheHeaders.setNoStore(refused);
            return refused;
        }
        WebGraphQlResponse response = response(input, new WrittenResult(cached.json()));
        CacheHeaders.setMaxAge(response, cached.remaining(), operation.transport.isByGet());
        return response;
    }

    private static WebGraphQlResponse response(ExecutionInput input, ExecutionResult result) {
        return new WebGraphQlResponse(new DefaultExecutionGraphQlResponse(input, result));
    }
}
