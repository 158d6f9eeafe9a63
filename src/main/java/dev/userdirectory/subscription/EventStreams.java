package dev.userdirectory.subscription;

import dev.userdirectory.platform.EventStreamWriter;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
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
import org.springframework.http.HttpStatus;
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
 * GraphQL over server-sent events, in distinct connections: a stream for each operation. Each event has its cursor as
 * {@code id}, so that a client which reconnects by itself resumes where it was. Spring's own handler sends no IDs, and
 * hides why a subscription was refused.
 */
@Component
class EventStreams extends GraphQlSseHandler implements EventStreamWriter, SmartLifecycle {
    private final Set<Stream> open = ConcurrentHashMap.newKeySet();
    private final GraphQlProperties.Sse properties;
    private volatile Disposable pings = Disposables.disposed();
    private volatile boolean running;

    EventStreams(WebGraphQlHandler graphQl, GraphQlProperties properties) {
        super(graphQl);
        this.properties = properties.getHttp().getSse();
    }

    @Override
    protected ServerResponse prepareResponse(ServerRequest request, Mono<WebGraphQlResponse> response) {
        if (!running) {
            return ServerResponse.status(HttpStatus.SERVICE_UNAVAILABLE)
                    .header("Retry-After", "1")
                    .build();
        }
        Instant expiry = Tokens.expiry(SecurityContextHolder.getContext().getAuthentication());
        return ServerResponse.sse(builder -> new Stream(builder).run(response, expiry), Duration.ZERO);
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

    /** Streams that end without {@code complete} are not over, so clients come back. */
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
        private volatile @Nullable String lastCursor;

        Stream(SseBuilder builder) {
            this.builder = builder;
            builder.onComplete(this::release).onError(exception -> release());
        }

        private interface Write {
            void run() throws IOException;
        }

        void run(Mono<WebGraphQlResponse> response, @Nullable Instant expiry) {
            open.add(this);
            Mono<?> expired = expiry == null
                    ? Mono.never()
                    : Mono.delay(Duration.between(Instant.now(), expiry)).publishOn(Result.WRITERS);
            operation.update(response.subscribeOn(Result.WRITERS)
                    .doOnNext(ready -> ping())
                    .flatMapMany(Result::of)
                    .takeUntilOther(expired)
                    .subscribe(this::next, exception -> end(), () -> complete(expiry)));
            if (!running) {
                end();
            }
        }

        private void next(Result result) {
            write(() -> {
                if (result.cursor() != null) {
                    lastCursor = result.cursor();
                    builder.id(result.cursor());
                }
                builder.event("next").data(result.response());
            });
        }

        private void complete(@Nullable Instant expiry) {
            if (expiry != null && !Instant.now().isBefore(expiry)) {
                next(Result.error("UNAUTHENTICATED", "Token expired: resume with a fresh one", lastCursor));
            }
            write(() -> builder.event("complete").data(""));
            end();
        }

        /** Also tells the client at once that it is subscribed: it sees no header before something is written. */
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
                // The client is gone, or has not read for so long that Tomcat has given it up.
                end();
            } finally {
                writing.unlock();
            }
        }

        /** Comes back at once: to end may mean to wait for a client that does not read. */
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
        }
    }
}
