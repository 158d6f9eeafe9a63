package dev.userdirectory.subscription;

import dev.userdirectory.error.ErrorCode;
import dev.userdirectory.graphql.operation.TransportRules;
import dev.userdirectory.graphql.operation.WrittenResult;
import dev.userdirectory.http.EventStreamWriter;
import dev.userdirectory.http.HttpError;
import graphql.ExecutionInput;
import java.time.Duration;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.graphql.autoconfigure.GraphQlProperties;
import org.springframework.context.SmartLifecycle;
import org.springframework.graphql.ResponseError;
import org.springframework.graphql.server.WebGraphQlHandler;
import org.springframework.graphql.server.WebGraphQlResponse;
import org.springframework.graphql.server.webmvc.GraphQlSseHandler;
import org.springframework.http.CacheControl;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;
import org.springframework.security.core.Authentication;
import org.springframework.security.core.context.SecurityContextHolder;
import org.springframework.stereotype.Component;
import org.springframework.web.servlet.function.ServerRequest;
import org.springframework.web.servlet.function.ServerResponse;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;

/**
 * GraphQL over server-sent events in distinct connections mode: one {@link EventStream} per subscription. A client that
 * reconnects automatically resumes where it left off. Spring's own handler sends no IDs, and hides why a subscription
 * was rejected.
 */
@Component
class EventStreams extends GraphQlSseHandler implements EventStreamWriter, SmartLifecycle {
    private static final HttpError STOPPING = new HttpError(ErrorCode.UNAVAILABLE, "The service is stopping: come back")
            .with(HttpHeaders.RETRY_AFTER, "1");

    private final Set<EventStream> open = ConcurrentHashMap.newKeySet();
    private final Admission admission;
    private final GraphQlProperties.Sse properties;
    private volatile Disposable pings = Disposables.disposed();
    private volatile boolean running;

    EventStreams(WebGraphQlHandler graphQl, Admission admission, GraphQlProperties properties) {
        super(graphQl);
        this.admission = admission;
        this.properties = properties.getHttp().getSse();
    }

    /**
     * Executes the operation on the request's thread. Only a subscription gets a stream: if another thread wrote a
     * single response, it could end the stream before the server has begun to send it.
     */
    @Override
    protected ServerResponse prepareResponse(ServerRequest request, Mono<WebGraphQlResponse> response) {
        if (!running) {
            return STOPPING.response(request);
        }
        Authentication authentication = SecurityContextHolder.getContext().getAuthentication();
        Disposable.Composite place = Disposables.composite();
        try {
            String client =
                    Admission.client(authentication, request.remoteAddress().orElse(null));
            place.add(admission.connection());
            place.add(admission.connectionOf(client));
            WebGraphQlResponse ready = Objects.requireNonNull(response.block());
            if (WrittenResult.isStream(ready)) {
                ExecutionInput input = ready.getExecutionInput();
                place.add(admission.operationOf(
                        client, input.getQuery(), input.getRawVariables().toMap(), input.getExtensions()));
                return ServerResponse.sse(
                        builder -> start(new EventStream(builder, open, place), ready, authentication), Duration.ZERO);
            }
            place.dispose();
            if (TransportRules.isMutationByGet(ready)) {
                ResponseError error = ready.getErrors().getFirst();
                return new HttpError(
                                HttpStatus.METHOD_NOT_ALLOWED,
                                String.valueOf(error.getMessage()),
                                error.getExtensions())
                        .with(HttpHeaders.ALLOW, "POST")
                        .response(request);
            }
            return ServerResponse.ok()
                    .cacheControl(CacheControl.noStore())
                    .contentType(MediaType.TEXT_EVENT_STREAM)
                    .body("event:next\ndata:" + Messages.encode(ready.toMap()) + "\n\nevent:complete\ndata:\n\n");
        } catch (LimitReached e) {
            place.dispose();
            return e.error().with(HttpHeaders.RETRY_AFTER, "5").response(request);
        } catch (RuntimeException e) {
            place.dispose();
            throw e;
        }
    }

    private void start(EventStream stream, WebGraphQlResponse subscription, @Nullable Authentication authentication) {
        stream.run(subscription, Tokens.timeLeft(authentication));
        if (!running) {
            stream.end();
        }
    }

    @Override
    public ServerResponse stream(ServerRequest request, WebGraphQlResponse response) {
        return prepareResponse(request, Mono.just(response));
    }

    @Override
    public void start() {
        running = true;
        long interval = Objects.requireNonNull(properties.getKeepAlive()).toMillis();
        pings = Schedulers.parallel()
                .schedulePeriodically(
                        () -> open.forEach(stream -> Thread.startVirtualThread(stream::ping)),
                        interval,
                        interval,
                        TimeUnit.MILLISECONDS);
    }

    /** Ends the streams without {@code complete}, so that clients reconnect. */
    @Override
    public void stop() {
        running = false;
        pings.dispose();
        open.forEach(EventStream::end);
    }

    @Override
    public boolean isRunning() {
        return running;
    }
}
