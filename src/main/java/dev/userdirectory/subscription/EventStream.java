package dev.userdirectory.subscription;

import dev.userdirectory.error.ErrorCode;
import java.time.Duration;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.springframework.graphql.server.WebGraphQlResponse;
import org.springframework.web.servlet.function.ServerResponse.SseBuilder;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.publisher.Mono;

/** The event stream of one subscription. Each event's {@code id} is its cursor. */
final class EventStream {
    private final SseBuilder builder;
    private final Set<EventStream> open;
    private final Disposable place;
    private final Outlet outlet = new Outlet(this::end);
    private final Disposable.Swap operation = Disposables.swap();
    private volatile @Nullable String lastCursor;
    private volatile boolean expired;

    /**
     * @param open the open streams, which contain this one until it ends
     * @param place the stream's places in the limits, disposed of when it ends
     */
    EventStream(SseBuilder builder, Set<EventStream> open, Disposable place) {
        this.builder = builder;
        this.open = open;
        this.place = place;
        builder.onComplete(this::release).onError(exception -> fail());
    }

    /** @param timeLeft how long the token is still valid; null if it does not expire */
    void run(WebGraphQlResponse subscription, @Nullable Duration timeLeft) {
        Mono<?> expiration = timeLeft == null
                ? Mono.never()
                : Mono.delay(timeLeft).doOnNext(tick -> expired = true).publishOn(Result.WRITERS);
        // On the request's thread: the filters may still change the headers until the ping has sent them.
        ping();
        open.add(this);
        operation.update(Mono.just(subscription)
                .subscribeOn(Result.WRITERS)
                .flatMapMany(Result::of)
                .takeUntilOther(expiration)
                .subscribe(this::next, exception -> end(), this::complete));
        if (outlet.isClosed()) {
            // The client may have disconnected before this stream was added to the open streams.
            release();
        }
    }

    private void next(Result result) {
        outlet.write(() -> {
            if (result.cursor() != null) {
                lastCursor = result.cursor();
                builder.id(result.cursor());
            }
            builder.event("next").data(Messages.encode(result.response()));
        });
    }

    /** Does not compare the token's expiry with the clock again, because the clock may have been set back since. */
    private void complete() {
        if (expired) {
            next(Result.error(ErrorCode.UNAUTHENTICATED, "Token expired: resume with a fresh one", lastCursor));
        }
        outlet.write(() -> builder.event("complete").data(""));
        end();
    }

    /** The first ping sends the headers, which tell the client that it is subscribed. */
    void ping() {
        outlet.ping(() -> builder.comment("").send());
    }

    void end() {
        if (outlet.close()) {
            release();
            outlet.finish(builder::complete);
        }
    }

    /**
     * Called by Tomcat, which reuses the response for another request afterwards. The write that has failed must have
     * returned by then, since Tomcat stores its exception in the response: the other request's first write would throw
     * it, so that its client would get no events.
     */
    private void fail() {
        outlet.close();
        outlet.awaitWrite();
        release();
    }

    private void release() {
        outlet.close();
        open.remove(this);
        operation.dispose();
        place.dispose();
    }
}
