package dev.userdirectory.webhook;

import dev.userdirectory.webhook.Receiver.Answer;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.TimeGauge;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** The metrics of a webhook on this instance. */
final class DeliveryMetrics {
    private final MeterRegistry meters;
    private final Timer accepted;
    private final Timer failed;
    private final Counter expired;
    private volatile boolean delivers;
    private volatile @Nullable Instant waitingSince;

    DeliveryMetrics(String webhook, MeterRegistry meters) {
        this.meters = meters;
        this.accepted = attempts(webhook, "accepted", meters);
        this.failed = attempts(webhook, "failed", meters);
        this.expired = Counter.builder("directory.webhook.expired")
                .description("How often the webhook was found to have missed events")
                .tag("webhook", webhook)
                .register(meters);
        TimeGauge.builder("directory.webhook.lag", this::lag, TimeUnit.MILLISECONDS)
                .description("Age of the oldest event that the webhook has not accepted, on the instance that delivers")
                .tag("webhook", webhook)
                .register(meters);
    }

    private static Timer attempts(String webhook, String outcome, MeterRegistry meters) {
        return Timer.builder("directory.webhook.attempts")
                .description("Messages that were sent to the webhook")
                .tags("webhook", webhook, "outcome", outcome)
                .register(meters);
    }

    interface Attempt {
        Answer send() throws InterruptedException;
    }

    Answer time(Attempt attempt) throws InterruptedException {
        Timer.Sample sample = Timer.start(meters);
        Answer answer = attempt.send();
        sample.stop(answer.isAccepted() ? accepted : failed);
        return answer;
    }

    void begin() {
        delivers = true;
    }

    void waitingSince(OffsetDateTime time) {
        waitingSince = time.toInstant();
    }

    /** It is unknown whether events are waiting. */
    void held() {
        if (waitingSince == null) {
            waitingSince = Instant.now();
        }
    }

    void upToDate() {
        waitingSince = null;
    }

    void expired() {
        expired.increment();
        waitingSince = Instant.now();
    }

    void end() {
        delivers = false;
        waitingSince = null;
    }

    private double lag() {
        Instant since = waitingSince;
        if (!delivers) {
            return Double.NaN;
        }
        return since == null
                ? 0
                : Math.max(0, Duration.between(since, Instant.now()).toMillis());
    }
}
