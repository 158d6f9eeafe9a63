package dev.userdirectory.subscription;

import graphql.ExecutionInput;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Publisher;
import org.springframework.core.annotation.Order;
import org.springframework.graphql.server.WebGraphQlInterceptor;
import org.springframework.graphql.server.WebGraphQlRequest;
import org.springframework.graphql.server.WebGraphQlResponse;
import org.springframework.stereotype.Component;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;
import reactor.util.context.ContextView;

/**
 * Turns the source stream of a subscription into its results. Each event goes through the interceptors as an operation of
 * its own, with the document and the variables of the subscription: so it has data loaders, limits and a deadline of its
 * own, and is stopped with its subscription. One event of a subscription follows the other.
 */
@Component
@Order(-150) // Around the deadline.
class EventExecution implements WebGraphQlInterceptor {
    private final int attempts;

    EventExecution(SubscriptionProperties properties) {
        attempts = properties.attempts();
    }

    @Override
    public Mono<WebGraphQlResponse> intercept(WebGraphQlRequest request, Chain chain) {
        LastEventId.putInto(request);
        return Mono.deferContextual(context -> chain.next(request)
                .map(response -> response.getData() instanceof Publisher<?> source
                        ? response.transform(transformed ->
                                transformed.data(new Subscription(request, response.getExecutionInput(), chain, context)
                                        .results(source)))
                        : response));
    }

    private final class Subscription {
        private final WebGraphQlRequest request;
        private final ExecutionInput input;
        private final Chain chain;
        private final ContextView context;
        private final Scheduler scheduler;
        private volatile @Nullable String lastCursor;

        Subscription(WebGraphQlRequest request, ExecutionInput input, Chain chain, ContextView context) {
            this.request = request;
            this.input = input;
            this.chain = chain;
            this.context = context;
            scheduler = request.getAttributes().get(BoundedExecutor.ATTRIBUTE) instanceof BoundedExecutor executor
                    ? Schedulers.fromExecutor(executor)
                    : Result.WRITERS;
        }

        Flux<Result> results(Publisher<?> source) {
            return Flux.from(source)
                    .cast(SourceEvent.class)
                    .concatMap(event -> execute(event, 1), 1)
                    .doOnNext(result -> lastCursor = result.cursor() == null ? lastCursor : result.cursor())
                    // A client that went on after it would miss the event.
                    .takeUntil(Result::isError)
                    .onErrorResume(exception -> Mono.just(Result.ended(exception, lastCursor)));
        }

        /** The result comes on the thread that has executed the event, which may block while it is sent. */
        private Mono<Result> execute(SourceEvent event, int attempt) {
            return Mono.defer(() -> chain.next(requestFor(event)))
                    .subscribeOn(scheduler)
                    .contextWrite(context)
                    .flatMap(response -> response.getExecutionResult().getData() != null
                            ? Mono.just(new Result(response.toMap(), event.cursor()))
                            : isLate(response) && attempt < attempts
                                    ? execute(event, attempt + 1)
                                    : Mono.just(Result.failed(response.toMap(), lastCursor)));
        }

        private boolean isLate(WebGraphQlResponse response) {
            return response.getErrors().stream()
                    .anyMatch(error ->
                            "DEADLINE_EXCEEDED".equals(error.getExtensions().get("code")));
        }

        /** With the document itself, where the client has sent a hash: it may be forgotten by now. */
        private WebGraphQlRequest requestFor(SourceEvent event) {
            Map<String, Object> attributes = new HashMap<>(request.getAttributes());
            attributes.put(SourceEvent.ATTRIBUTE, event);
            Map<String, Object> body = new HashMap<>();
            body.put("query", input.getQuery());
            body.put("operationName", input.getOperationName());
            body.put("variables", input.getRawVariables().toMap());
            WebGraphQlRequest ofEvent = new WebGraphQlRequest(
                    request.getUri().toUri(),
                    request.getHeaders(),
                    null,
                    request.getRemoteAddress(),
                    attributes,
                    body,
                    request.getId(),
                    request.getLocale());
            ofEvent.configureExecutionInput((each, builder) ->
                    builder.graphQLContext(Map.of(SourceEvent.class, event)).build());
            return ofEvent;
        }
    }
}
