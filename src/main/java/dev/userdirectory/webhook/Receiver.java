package dev.userdirectory.webhook;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** The program behind a webhook's URL. It accepts a message by responding with a 2xx status. */
final class Receiver {
    private static final Pattern SECONDS = Pattern.compile("\\d{1,9}");

    private static final Duration PULSE = Duration.ofMillis(500);

    private final HttpClient http;
    private final Webhook webhook;
    private final URI url;

    /** @param http a client that does not follow redirects */
    Receiver(HttpClient http, Webhook webhook) {
        this.http = http;
        this.webhook = webhook;
        this.url = URI.create(webhook.url());
    }

    /**
     * @param failure why the message was not accepted; null if it was
     * @param retryAfter how long the receiver asks to wait
     */
    record Answer(@Nullable String failure, Duration retryAfter) {
        boolean isAccepted() {
            return failure == null;
        }

        private static Answer failed(String why) {
            return new Answer(why, Duration.ZERO);
        }
    }

    /**
     * Sends the message once, and waits until the response is complete. Its body is discarded.
     *
     * @param meanwhile called twice a second while waiting; an exception ends the attempt
     */
    Answer send(Message message, Runnable meanwhile) throws InterruptedException {
        CompletableFuture<HttpResponse<Void>> sent = http.sendAsync(request(message), BodyHandlers.discarding());
        long end = System.nanoTime() + webhook.timeout().toNanos();
        try {
            for (long left = webhook.timeout().toNanos(); left > 0; left = end - System.nanoTime()) {
                try {
                    return answer(sent.get(Math.min(left, PULSE.toNanos()), TimeUnit.NANOSECONDS));
                } catch (TimeoutException e) {
                    meanwhile.run();
                }
            }
            return Answer.failed(
                    "no complete response within " + webhook.timeout().toMillis() + " ms");
        } catch (ExecutionException e) {
            return Answer.failed(String.valueOf(e.getCause()));
        } finally {
            // Closes the connection unless the response is complete.
            sent.cancel(true);
        }
    }

    private HttpRequest request(Message message) {
        long now = Instant.now().getEpochSecond();
        return HttpRequest.newBuilder(url)
                .timeout(webhook.timeout())
                .header("Content-Type", Message.CONTENT_TYPE)
                .header("User-Agent", "user-directory")
                .header("webhook-id", message.id())
                .header("webhook-timestamp", Long.toString(now))
                .header("webhook-signature", Signature.header(webhook.secret(), message.id(), now, message.body()))
                .POST(BodyPublishers.ofString(message.body()))
                .build();
    }

    private static Answer answer(HttpResponse<Void> response) {
        int status = response.statusCode();
        return status / 100 == 2
                ? new Answer(null, Duration.ZERO)
                : new Answer(
                        "status " + status,
                        response.headers()
                                .firstValue("Retry-After")
                                .map(Receiver::duration)
                                .orElse(Duration.ZERO));
    }

    /** RFC 9110 10.2.3: a number of seconds, or a time. */
    private static Duration duration(String retryAfter) {
        if (SECONDS.matcher(retryAfter).matches()) {
            return Duration.ofSeconds(Long.parseLong(retryAfter));
        }
        try {
            return Duration.between(
                    Instant.now(), ZonedDateTime.parse(retryAfter, DateTimeFormatter.RFC_1123_DATE_TIME));
        } catch (DateTimeException e) {
            return Duration.ZERO;
        }
    }
}
