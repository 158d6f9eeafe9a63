package dev.userdirectory.cache;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import dev.userdirectory.platform.WrittenResult;
import dev.userdirectory.policy.Caller;
import dev.userdirectory.policy.Sha256;
import dev.userdirectory.subscription.SourceEvent;
import graphql.ExecutionInput;
import graphql.ExecutionResult;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.ExecutionException;
import org.jspecify.annotations.Nullable;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.core.annotation.Order;
import org.springframework.graphql.server.WebGraphQlInterceptor;
import org.springframework.graphql.server.WebGraphQlRequest;
import org.springframework.graphql.server.WebGraphQlResponse;
import org.springframework.graphql.support.DefaultExecutionGraphQlResponse;
import org.springframework.http.CacheControl;
import org.springframework.stereotype.Component;
import reactor.core.publisher.Mono;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;

/**
 * Gives an answer again, as long as {@code @cacheControl} in the schema allows and nothing at all has been committed to
 * the database since. So what was written is in every later answer, on every instance, and nothing has to be
 * invalidated. The answer is given to whom it was meant for: all callers with the same scopes, or one.
 *
 * <p>Only when an operation has been executed is it known what may be kept of it. Until then it is asked for as if it were
 * its caller's alone. It blocks its thread, a virtual one.
 */
@Component
@Order(20) // After limits and persisted documents.
class ResponseCache implements WebGraphQlInterceptor {
    /** What is added to a response for them is of that request alone. */
    private static final List<String> UNCACHED_HEADERS = List.of("GraphQL-Cost", "apollo-federation-include-trace");

    private static final double NANOS_PER_SECOND = 1e9;
    /** Characters of documents. */
    private static final int POLICIES = 2_000_000;

    private static final JsonMapper JSON = JsonMapper.shared();
    private static final JsonMapper SORTED_JSON = JsonMapper.builder()
            .enable(SerializationFeature.ORDER_MAP_ENTRIES_BY_KEYS)
            .build();

    private final boolean enabled;
    private final DatabaseState database;
    private final @Nullable SharedStore shared;
    private final Cache<Question, Answer> answers;
    private final Cache<Document, CachePolicy> policies;
    private final ConcurrentMap<List<Object>, CompletableFuture<@Nullable Answer>> running = new ConcurrentHashMap<>();
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
                .<Question, Answer>weigher((question, answer) -> question.bytes() + answer.bytes())
                .build();
        policies = Caffeine.newBuilder()
                .maximumWeight(POLICIES)
                .<Document, CachePolicy>weigher((document, policy) -> document.text.length())
                .build();
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

    private record Document(String text, @Nullable String operationName) {}

    /**
     * All that an answer depends on, but for the data.
     *
     * @param subject null if the answer is for all with the same scopes
     */
    private record Question(
            Document document,
            Map<String, Object> variables,
            boolean anonymous,
            Set<String> scopes,
            @Nullable String subject) {
        private static final int BYTES_PER_VALUE = 64;

        Question ofAll() {
            return new Question(document, variables, anonymous, scopes, null);
        }

        /** The same on all instances. */
        String hash() {
            return Sha256.hex(SORTED_JSON.writeValueAsString(Arrays.asList(
                    document.text, document.operationName, variables, anonymous, new TreeSet<>(scopes), subject)));
        }

        /** About as many as it takes in memory, without the document, which is that of many. */
        int bytes() {
            return (int) Math.min(Integer.MAX_VALUE / 2, bytes(variables));
        }

        private static long bytes(@Nullable Object value) {
            long content = switch (value) {
                case Map<?, ?> map ->
                    map.values().stream().mapToLong(Question::bytes).sum();
                case Collection<?> list ->
                    list.stream().mapToLong(Question::bytes).sum();
                case String text -> text.length() * 2L;
                case null -> 0;
                default -> 0;
            };
            return BYTES_PER_VALUE + content;
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
        CachedOperation operation = new CachedOperation();
        request.configureExecutionInput((input, builder) ->
                builder.graphQLContext(Map.of(CachedOperation.class, operation)).build());
        if (!enabled || SourceEvent.isIn(request)) {
            return execute(request, chain, operation);
        }
        ExecutionInput input = request.toExecutionInput();
        Document document = new Document(input.getQuery(), input.getOperationName());
        CachePolicy known = Objects.requireNonNullElse(policies.getIfPresent(document), CachePolicy.UNKNOWN);
        if (known.maxAge() == 0 || UNCACHED_HEADERS.stream().anyMatch(request.getHeaders()::containsHeader)) {
            uncached.increment();
            return execute(request, chain, operation);
        }
        Caller caller = Caller.of(input.getGraphQLContext());
        Question question = new Question(
                document,
                input.getVariables(),
                caller.anonymous(),
                caller.scopes(),
                known.isPrivate() ? caller.subject() : null);
        String state = database.current();
        if (state == null) {
            uncached.increment();
            return execute(request, chain, operation);
        }
        Answer answer = null;
        if (known.equals(CachePolicy.UNKNOWN)) {
            uncached.increment();
        } else {
            answer = find(question, state);
        }
        if (answer != null) {
            return Mono.just(respond(input, answer));
        }
        return runOnce(request, input, chain, operation, known, question, state);
    }

    private static Mono<WebGraphQlResponse> execute(WebGraphQlRequest request, Chain chain, CachedOperation operation) {
        return chain.next(request).doOnNext(response -> describe(response, operation.policy()));
    }

    private @Nullable Answer find(Question question, String state) {
        Answer answer = answers.getIfPresent(question);
        if (answer != null && answer.isTrue(state)) {
            hits.increment();
            saved.increment(answer.nanos() / NANOS_PER_SECOND);
            return answer;
        }
        answer = shared == null ? null : shared.answer(question.hash());
        if (answer != null && answer.isTrue(state)) {
            sharedHits.increment();
            saved.increment(answer.nanos() / NANOS_PER_SECOND);
            answers.put(question, answer);
            return answer;
        }
        misses.increment();
        return null;
    }

    /** Of several that ask for the same at the same state, one has it executed and the others wait for it. */
    private Mono<WebGraphQlResponse> runOnce(
            WebGraphQlRequest request,
            ExecutionInput input,
            Chain chain,
            CachedOperation operation,
            CachePolicy known,
            Question question,
            String state) {
        List<Object> key = List.of(question, state);
        CompletableFuture<@Nullable Answer> mine = new CompletableFuture<>();
        CompletableFuture<@Nullable Answer> other = running.putIfAbsent(key, mine);
        if (other != null) {
            Answer answer = await(other);
            return answer == null ? execute(request, chain, operation) : Mono.just(respond(input, answer));
        }
        long started = System.nanoTime();
        // Deferred, so that what is thrown at once ends the wait of the others as well.
        return Mono.defer(() -> execute(request, chain, operation))
                .doOnNext(response -> {
                    long nanos = System.nanoTime() - started;
                    CachePolicy policy = operation.policy();
                    boolean isFirst = known.equals(CachePolicy.UNKNOWN);
                    if (isFirst && response.getExecutionResult().getErrors().isEmpty()) {
                        policies.put(question.document, policy);
                    }
                    Answer answer = answer(response, policy, known, state, nanos);
                    if (answer != null) {
                        keep(isFirst && !policy.isPrivate() ? question.ofAll() : question, answer);
                    }
                    mine.complete(answer);
                })
                .doFinally(signal -> {
                    running.remove(key);
                    mine.complete(null);
                });
    }

    private void keep(Question question, Answer answer) {
        answers.put(question, answer);
        if (shared != null) {
            shared.putAnswer(question.hash(), answer);
        }
    }

    private static @Nullable Answer await(CompletableFuture<@Nullable Answer> other) {
        try {
            return other.get();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new CancellationException("The request is over");
        } catch (ExecutionException e) {
            return null;
        }
    }

    /** Null if it may not be kept; what is skipped or included can make that another matter than the last time. */
    private static @Nullable Answer answer(
            WebGraphQlResponse response, CachePolicy policy, CachePolicy known, String state, long nanos) {
        ExecutionResult result = response.getExecutionResult();
        boolean good = result.getErrors().isEmpty()
                && result.getData() != null
                && (result.getExtensions() == null || result.getExtensions().isEmpty());
        return good && policy.maxAge() > 0 && (known.isPrivate() || !policy.isPrivate())
                ? new Answer(
                        state,
                        Instant.now().plusSeconds(policy.maxAge()),
                        nanos,
                        JSON.writeValueAsBytes(result.toSpecification()))
                : null;
    }

    private static WebGraphQlResponse respond(ExecutionInput input, Answer answer) {
        WebGraphQlResponse response =
                new WebGraphQlResponse(new DefaultExecutionGraphQlResponse(input, new WrittenResult(answer.json())));
        setMaxAge(response, answer.remaining());
        return response;
    }

    private static void describe(WebGraphQlResponse response, CachePolicy policy) {
        if (policy.maxAge() > 0 && response.getExecutionResult().getErrors().isEmpty()) {
            setMaxAge(response, Duration.ofSeconds(policy.maxAge()));
        } else {
            response.getResponseHeaders().setCacheControl(CacheControl.noStore());
        }
    }

    /** Private even where the schema says public: a proxy between knows nothing of scopes. */
    private static void setMaxAge(WebGraphQlResponse response, Duration maxAge) {
        response.getResponseHeaders()
                .setCacheControl(CacheControl.maxAge(maxAge).cachePrivate());
        response.getResponseHeaders().setVary(List.of("Authorization"));
    }
}
