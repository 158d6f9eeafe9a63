package dev.userdirectory.graphql.cache;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.github.benmanes.caffeine.cache.Expiry;
import com.github.benmanes.caffeine.cache.Scheduler;
import dev.userdirectory.database.Deadline;
import dev.userdirectory.graphql.document.KnownOperation;
import dev.userdirectory.graphql.document.Sha256;
import dev.userdirectory.graphql.federation.SubgraphSchema;
import dev.userdirectory.graphql.limit.RequestMemory.Reservation;
import dev.userdirectory.graphql.limit.TooManyResponses;
import dev.userdirectory.graphql.limit.Weight;
import dev.userdirectory.graphql.operation.Operation;
import dev.userdirectory.graphql.operation.WrittenResult;
import dev.userdirectory.graphql.scope.Caller;
import graphql.ExecutionInput;
import graphql.ExecutionResult;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.ExecutionException;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.graphql.server.WebGraphQlInterceptor;
import org.springframework.graphql.server.WebGraphQlRequest;
import org.springframework.graphql.server.WebGraphQlResponse;
import org.springframework.graphql.support.DefaultExecutionGraphQlResponse;
import org.springframework.http.CacheControl;
import org.springframework.http.HttpHeaders;
import org.springframework.stereotype.Component;
import reactor.core.publisher.Mono;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;

/**
 * Returns cached responses, as long as {@code @cacheControl} in the schema allows and nothing at all has been committed
 * to the database since. So every write is in every later response, on every instance, and nothing has to be
 * invalidated. A response is only reused for the callers it was meant for: all callers with the same scopes, or one
 * caller.
 *
 * <p>The policy of an operation is only known once it has been executed. Until then its response is treated as private.
 * The cache blocks its thread, which is a virtual one.
 */
@Component
@EnableConfigurationProperties(CacheProperties.class)
public class ResponseCache implements WebGraphQlInterceptor {
    /** Request headers that add something to the response that is only for this request. */
    private static final List<String> UNCACHED_HEADERS = List.of("GraphQL-Cost", "apollo-federation-include-trace");

    /** All request headers that the response to one URL depends on. */
    private static final List<String> VARY = Stream.concat(
                    Stream.of("Authorization", "Accept"), UNCACHED_HEADERS.stream())
            .toList();

    private static final double NANOS_PER_SECOND = 1e9;
    private static final JsonMapper JSON = JsonMapper.shared();
    private static final JsonMapper SORTED_JSON = JsonMapper.builder()
            .enable(SerializationFeature.ORDER_MAP_ENTRIES_BY_KEYS)
            .build();

    private final boolean enabled;
    /** A hash of the served schema: during a rolling update, instances may serve different schemas. */
    private final String schema = Sha256.hex(SubgraphSchema.sdl());

    private final DatabaseState database;
    private final @Nullable SharedStore shared;
    private final Cache<CacheKey, CachedResponse> answers;
    private volatile String newestState = "";
    private final ConcurrentMap<List<Object>, Running> running = new ConcurrentHashMap<>();
    private final Counter hits;
    private final Counter sharedHits;
    private final Counter misses;
    private final Counter uncached;
    private final Counter saved;

    ResponseCache(
            CacheProperties properties,
            DatabaseState database,
            ObjectProvider<SharedStore> shared,
            MeterRegistry meters) {
        enabled = properties.enabled();
        this.database = database;
        this.shared = shared.getIfAvailable();
        answers = Caffeine.newBuilder()
                .maximumWeight(properties.size().toBytes())
                .<CacheKey, CachedResponse>weigher(
                        (question, answer) -> Weight.sum(Weight.ENTRY + question.bytes() + answer.bytes()))
                .expireAfter(Expiry.<CacheKey, CachedResponse>writing((question, answer) -> answer.remaining()))
                .scheduler(Scheduler.systemScheduler())
                .build();
        Gauge.builder("directory.cache.memory", answers, ResponseCache::weight)
                .description("How much memory the cached responses take")
                .baseUnit("bytes")
                .register(meters);
        hits = count(meters, "hit");
        sharedHits = count(meters, "shared hit");
        misses = count(meters, "miss");
        uncached = count(meters, "uncached");
        saved = Counter.builder("directory.cache.saved")
                .description("How long the operations took that were answered again")
                .baseUnit("seconds")
                .register(meters);
        if (this.shared != null) {
            Gauge.builder("directory.cache.shared", this.shared, store -> store.isPaused() ? 0 : 1)
                    .description("1 if the store that instances share answers, 0 if it is left alone")
                    .register(meters);
        }
    }

    /** @param deadline of the request that executes the operation for all that wait for the response */
    private record Running(@Nullable Deadline deadline, CompletableFuture<@Nullable CachedResponse> answer) {}

    /**
     * Everything that a response depends on, except the data.
     *
     * @param operation its {@link KnownOperation#hash}
     * @param subject null if the response is for all callers with the same scopes
     */
    private record CacheKey(
            String operation,
            Map<String, Object> variables,
            boolean anonymous,
            Set<String> scopes,
            @Nullable String subject) {
        CacheKey ofAll() {
            return new CacheKey(operation, variables, anonymous, scopes, null);
        }

        /** The key in the shared store, equal on all instances. */
        String hash(String schema, String database) {
            return Sha256.hex(SORTED_JSON.writeValueAsString(
                    Arrays.asList(schema, database, operation, variables, anonymous, new TreeSet<>(scopes), subject)));
        }

        /** An estimate of its memory. */
        long bytes() {
            return 2L * Weight.OBJECT
                    + Weight.of(operation)
                    + Weight.ofJson(variables)
                    + Weight.ofJson(scopes)
                    + Weight.of(subject);
        }
    }

    private static Counter count(MeterRegistry meters, String result) {
        return Counter.builder("directory.cache.requests")
                .description("Operations by what the cache had to say")
                .tag("result", result)
                .register(meters);
    }

    @Override
    public Mono<WebGraphQlResponse> intercept(WebGraphQlRequest request, Chain chain) {
        Operation operation = Operation.of(request);
        if (!enabled || operation.event != null) {
            return execute(request, chain, operation);
        }
        KnownOperation known = operation.known;
        CachePolicy policy = known == null ? CachePolicy.UNKNOWN : known.policy();
        if (policy.maxAge() == 0 || UNCACHED_HEADERS.stream().anyMatch(request.getHeaders()::containsHeader)) {
            uncached.increment();
            return execute(request, chain, operation);
        }
        Caller caller = operation.caller;
        if (policy.isPrivate() && !caller.isIdentified()) {
            uncached.increment();
            return execute(request, chain, operation).doOnNext(response -> learn(operation, policy, response));
        }
        String state = database.current();
        if (state == null) {
            uncached.increment();
            return execute(request, chain, operation);
        }
        dropOlderThan(state);
        ExecutionInput input = request.toExecutionInput();
        CacheKey question = new CacheKey(
                known == null ? KnownOperation.hash(input.getQuery(), input.getOperationName()) : known.hash(),
                input.getVariables(),
                caller.anonymous(),
                caller.scopes(),
                policy.isPrivate() ? caller.subject() : null);
        CachedResponse answer = null;
        if (policy.equals(CachePolicy.UNKNOWN)) {
            uncached.increment();
        } else {
            answer = find(question, state);
        }
        if (answer != null) {
            return Mono.just(respond(input, answer, operation));
        }
        return runOnce(request, input, chain, operation, policy, question, state);
    }

    private static Mono<WebGraphQlResponse> execute(WebGraphQlRequest request, Chain chain, Operation operation) {
        return chain.next(request).doOnNext(response -> describe(response, operation));
    }

    private @Nullable CachedResponse find(CacheKey question, String state) {
        CachedResponse answer = answers.getIfPresent(question);
        if (answer != null && answer.isTrue(state)) {
            hits.increment();
            saved.increment(answer.nanos() / NANOS_PER_SECOND);
            return answer;
        }
        answer = findShared(question);
        if (answer != null && answer.isTrue(state)) {
            sharedHits.increment();
            saved.increment(answer.nanos() / NANOS_PER_SECOND);
            answers.put(question, answer);
            return answer;
        }
        misses.increment();
        return null;
    }

    private @Nullable CachedResponse findShared(CacheKey question) {
        if (shared == null) {
            return null;
        }
        String identity = database.identity();
        return identity == null ? null : shared.answer(question.hash(schema, identity));
    }

    /** If several requests need the same response at the same state, one executes the operation and the others wait. */
    private Mono<WebGraphQlResponse> runOnce(
            WebGraphQlRequest request,
            ExecutionInput input,
            Chain chain,
            Operation operation,
            CachePolicy known,
            CacheKey question,
            String state) {
        List<Object> key = List.of(question, state);
        CompletableFuture<@Nullable CachedResponse> mine = new CompletableFuture<>();
        Running other = running.putIfAbsent(key, new Running(Deadline.current(), mine));
        if (other != null) {
            Deadline.waitFor(other.deadline);
            CachedResponse answer = await(other.answer);
            return answer == null ? execute(request, chain, operation) : Mono.just(respond(input, answer, operation));
        }
        long started = System.nanoTime();
        // Deferred, so that an exception thrown at once also ends the wait of the others.
        return Mono.defer(() -> execute(request, chain, operation))
                .map(response -> {
                    long nanos = System.nanoTime() - started;
                    CachePolicy policy = operation.policy();
                    learn(operation, known, response);
                    CachedResponse answer = answer(response, policy, known, state, nanos);
                    if (answer != null) {
                        boolean isFirst = known.equals(CachePolicy.UNKNOWN);
                        keep(isFirst && !policy.isPrivate() ? question.ofAll() : question, answer);
                    }
                    mine.complete(answer);
                    return answer == null ? response : written(response, answer);
                })
                .doFinally(signal -> {
                    running.remove(key);
                    mine.complete(null);
                });
    }

    private static void learn(Operation operation, CachePolicy before, WebGraphQlResponse response) {
        KnownOperation known = operation.known;
        if (known != null
                && before.equals(CachePolicy.UNKNOWN)
                && response.getExecutionResult().getErrors().isEmpty()) {
            known.setPolicy(operation.policy());
        }
    }

    private static double weight(Cache<?, ?> cache) {
        return cache.policy()
                .eviction()
                .map(eviction -> eviction.weightedSize().orElse(0))
                .orElse(0L);
    }

    /** States never repeat, so responses from other states cannot be used again. */
    private void dropOlderThan(String state) {
        if (!state.equals(newestState)) {
            newestState = state;
            answers.invalidateAll();
        }
    }

    private void keep(CacheKey question, CachedResponse answer) {
        answers.put(question, answer);
        if (shared != null) {
            String identity = database.identity();
            if (identity != null) {
                shared.putAnswer(question.hash(schema, identity), answer);
            }
        }
    }

    private static @Nullable CachedResponse await(CompletableFuture<@Nullable CachedResponse> other) {
        try {
            return other.get();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new CancellationException("The request is over");
        } catch (ExecutionException e) {
            return null;
        }
    }

    /** Null if the response may not be cached. Skipped or included fields can change the policy each time. */
    private static @Nullable CachedResponse answer(
            WebGraphQlResponse response, CachePolicy policy, CachePolicy known, String state, long nanos) {
        ExecutionResult result = response.getExecutionResult();
        boolean good = result.getErrors().isEmpty()
                && result.getData() != null
                && (result.getExtensions() == null || result.getExtensions().isEmpty());
        return good && policy.maxAge() > 0 && (known.isPrivate() || !policy.isPrivate())
                ? new CachedResponse(
                        state,
                        Instant.now().plusSeconds(policy.maxAge()),
                        policy.maxAge(),
                        nanos,
                        JSON.writeValueAsBytes(result.toSpecification()))
                : null;
    }

    /** The same response with its JSON, so that it is not serialized again to be sent. */
    private static WebGraphQlResponse written(WebGraphQlResponse response, CachedResponse answer) {
        WebGraphQlResponse written = new WebGraphQlResponse(new DefaultExecutionGraphQlResponse(
                response.getExecutionInput(), new WrittenResult(answer.json(), response.getExecutionResult())));
        written.getResponseHeaders().putAll(response.getResponseHeaders());
        return written;
    }

    private static WebGraphQlResponse respond(ExecutionInput input, CachedResponse answer, Operation operation) {
        Reservation memory = operation.memory;
        if (memory != null && !memory.growForResponse(answer.json().length)) {
            WebGraphQlResponse refused =
                    new WebGraphQlResponse(new DefaultExecutionGraphQlResponse(input, TooManyResponses.result()));
            refused.getResponseHeaders().setCacheControl(CacheControl.noStore());
            return refused;
        }
        WebGraphQlResponse response = new WebGraphQlResponse(
                new DefaultExecutionGraphQlResponse(input, new WrittenResult(answer.json(), null)));
        setMaxAge(response, answer.remaining(), operation);
        return response;
    }

    private static void describe(WebGraphQlResponse response, Operation operation) {
        CachePolicy policy = operation.policy();
        if (policy.maxAge() > 0 && response.getExecutionResult().getErrors().isEmpty()) {
            setMaxAge(response, Duration.ofSeconds(policy.maxAge()), operation);
        } else {
            response.getResponseHeaders().setCacheControl(CacheControl.noStore());
        }
    }

    /**
     * Browsers cache responses to GET, but have to revalidate them each time: a browser cannot know what its own user
     * has changed since. Responses are private even where the schema says public, because a proxy knows nothing of
     * scopes.
     */
    private static void setMaxAge(WebGraphQlResponse response, Duration maxAge, Operation operation) {
        boolean byGet = operation.transport.isByGet();
        CacheControl control = byGet ? CacheControl.noCache() : CacheControl.maxAge(maxAge);
        response.getResponseHeaders().setCacheControl(control.cachePrivate());
        response.getResponseHeaders().put(HttpHeaders.VARY, VARY);
    }
}
