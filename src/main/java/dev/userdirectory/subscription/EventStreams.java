package dev.userdirectory.subscription;

import dev.userdirectory.graphql.operation.TransportRules;
import dev.userdirectory.graphql.operation.WrittenResult;
import dev.userdirectory.http.EventStreamWriter;
import graphql.ExecutionInput;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.graphql.autoconfigure.GraphQlProperties;
import org.springframework.context.SmartLifecycle;
import org.springframework.graphql.server.WebGraphQlHandler;
import org.springframework.graphql.server.WebGraphQlResponse;
import org.springframework.graphql.server.webmvc.GraphQlSseHandler;
import org.springframework.http.CacheControl;
import org.springframework.http.HttpMethod;
import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;
import org.springframework.security.core.Authentication;
import org.springframework.security.core.context.SecurityContextHolder;
import org.springframework.stereotype.Component;
import org.springframework.web.servlet.function.ServerRequest;
import org.springframework.web.servlet.function.ServerResponse;
import org.springframework.web.servlet.function.ServerResponse.SseBuilder;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;

/**
 * GraphQL over server-sent events in distinct connections mode: one stream per operation. Each event's {@code id} is
 * its cursor, so a client that reconnects automatically resumes where it left off. Spring's own handler sends no IDs,
 * and hides why a subscription was rejected.
 */
@Component
class EventStreams extends GraphQlSseHandler implements EventStreamWriter, SmartLifecycle {
    private final Set<Stream> open = ConcurrentHashMap.newKeySet();
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
     * Executes the operation on the request's thread. Only a subscription gets a stream: another thread that wrote a
     * single response could end it before the server has begun to stream.
     */
    @Override
    protected ServerResponse prepareResponse(ServerRequest request, Mono<WebGraphQlResponse> response) {
        if (!running) {
            return ServerResponse.status(HttpStatus.SERVICE_UNAVAILABLE)
                    .header("Retry-After", "1")
                    .cacheControl(CacheControl.noStore())
                    .contentType(MediaType.APPLICATION_JSON)
                    .body(Result.error("UNAVAILABLE", "The service is stopping: come back", null)
                            .response());
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
                        client, input.getQuery(), input.getRawVariables().toMap()));
                return ServerResponse.sse(
                        builder -> new Stream(builder, place).run(Mono.just(ready), Tokens.expiry(authentication)),
                        Duration.ZERO);
            }
            place.dispose();
            if (TransportRules.isOtherMethod(ready)) {
                return ServerResponse.status(HttpStatus.METHOD_NOT_ALLOWED)
                        .allow(HttpMethod.POST)
                        .cacheControl(CacheControl.noStore())
                        .contentType(MediaType.APPLICATION_JSON)
                        .body(ready.toMap());
            }
            return ServerResponse.ok()
                    .cacheControl(CacheControl.noStore())
                    .contentType(MediaType.TEXT_EVENT_STREAM)
                    .body("event:next\ndata:" + Messages.encode(ready.toMap()) + "\n\nevent:complete\ndata:\n\n");
        } catch (LimitReached e) {
            place.dispose();
            return ServerResponse.status(HttpStatus.TOO_MANY_REQUESTS)
                    .header("Retry-After", "5")
                    .cacheControl(CacheControl.noStore())
                    .contentType(MediaType.APPLICATION_JSON)
                    .body(Map.of("errors", List.of(e.error())));
        } catch (RuntimeException e) {
            place.dispose();
            throw e;
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
        open.forEach(Stream::end);
    }

    @Override
    public boolean isRunning() {
        return running;
    }

    private final class Stream {
        private final SseBuilder builder;
        private final Disposable.Swap operation = Disposables.swap();
        private final ReentrantLock writing = new ReentrantLock(true);
        private final AtomicBoolean ended = new AtomicBoolean();
        private final Disposable place;
        private volatile @Nullable String lastCursor;
        private volatile boolean expired;

        Stream(SseBuilder builder, Disposable place) {
            this.builder = builder;
            this.place = place;
            builder.onComplete(this::release).onError(exception -> release());
        }

        private interface Write {
            void run() throws IOException;
        }

        void run(Mono<WebGraphQlResponse> response, @Nullable Instant expiry) {
            // On the request's thread: the filters may still change the headers until the ping has sent them.
            ping();
            open.add(this);
            Mono<?> expiration = expiry == null
                    ? Mono.never()
                    : Mono.delay(Duration.between(Instant.now(), expiry))
                            .doOnNext(tick -> expired = true)
                            .publishOn(Result.WRITERS);
            operation.update(response.subscribeOn(Result.WRITERS)
                    .flatMapMany(Result::of)
                    .takeUntilOther(expiration)
                    .subscribe(this::next, exception -> end(), this::complete));
            if (!running) {
                end();
            } else if (ended.get()) {
                // The client may have disconnected before this stream was added to the open ones.
                release();
            }
        }

        private void next(Result result) {
            write(() -> {
                if (result.cursor() != null) {
                    lastCursor = result.cursor();
                    builder.id(result.cursor());
                }
                builder.event("next").data(Messages.encode(result.response()));
            });
        }

        /** Does not compare the token's expiry with the clock again: the clock may have been set back since. */
        private void complete() {
            if (expired) {
                next(Result.error("UNAUTHENTICATED", "Token expired: resume with a fresh one", lastCursor));
            }
            write(() -> builder.event("complete").data(""));
            end();
        }

        /** The first ping sends the headers, which tell the client that it is subscribed. */
        void ping() {
            if (!writing.isLocked()) {
                write(() -> builder.comment("").send());
            }
        }

        private void write(Write write) {
            writing.lock();
            try {
                if (!ended.get()) {
                    write.run();
                }
            } catch (IOException | IllegalStateException e) {
                // The client has disconnected, or has read nothing for so long that Tomcat gave up.
                end();
            } finally {
                writing.unlock();
            }
        }

        /** Returns at once; another thread ends the stream, since a client that does not read can block it. */
        private void end() {
            if (ended.compareAndSet(false, true)) {
                release();
                Thread.startVirtualThread(() -> {
                    boolean alone = false;
                    try {
                        alone = writing.tryLock(1, TimeUnit.SECONDS);
                        builder.complete();
                    } catch (InterruptedException e) {
                        Thread.currentThread().interrupt();
                    } finally {
                        if (alone) {
                            writing.unlock();
                        }
                    }
                });
            }
        }

        private void release() {
            ended.set(true);
            open.remove(this);
            operation.dispose();
            place.dispose();
        }
    }
}
