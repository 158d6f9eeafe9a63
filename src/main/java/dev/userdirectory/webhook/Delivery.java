package dev.userdirectory.webhook;

import dev.userdirectory.database.BackgroundThreads.Task;
import dev.userdirectory.event.DirectoryEvent;
import dev.userdirectory.event.EventLog;
import dev.userdirectory.event.EventLog.Found;
import dev.userdirectory.generated.types.DirectoryEventType;
import dev.userdirectory.webhook.Receiver.Answer;
import io.micrometer.core.instrument.MeterRegistry;
import java.nio.charset.StandardCharsets;
import java.sql.SQLException;
import java.time.Duration;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ThreadLocalRandom;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Delivers the feed to one webhook while this instance holds the webhook's lock: in order, one event at a time. */
final class Delivery {
    private static final Logger log = LoggerFactory.getLogger(Delivery.class);
    /** How often to try to take over the lock, to check for a stop or a moved cursor, and to poll an empty feed. */
    private static final Duration POLL = Duration.ofMillis(500);

    private static final Duration FIRST_DELAY = Duration.ofSeconds(1);
    private static final int PAGE = 100;

    private final EventLog events;
    private final Webhook webhook;
    private final String name;
    private final Set<DirectoryEventType> types;
    private final Receiver receiver;
    private final DeliveryMetrics metrics;

    Delivery(EventLog events, Webhook webhook, Receiver receiver, MeterRegistry meters) {
        this.events = events;
        this.webhook = webhook;
        this.name = webhook.name();
        this.types = webhook.types().isEmpty() ? EnumSet.allOf(DirectoryEventType.class) : webhook.types();
        this.receiver = receiver;
        this.metrics = new DeliveryMetrics(name, meters);
    }

    String name() {
        return name;
    }

    void run(Task current) throws SQLException, InterruptedException {
        try (EventLog.Session session = events.open("user-directory webhook " + name)) {
            WebhookRow row = new WebhookRow(session.jdbc(), name);
            while (!row.lock()) {
                if (!current.isRunning()) {
                    return;
                }
                current.progress();
                Thread.sleep(POLL);
            }
            row.create(session::end, session::newestLossyEra);
            metrics.begin();
            while (current.isRunning()) {
                deliver(session, row, current);
                current.progress();
            }
        } finally {
            metrics.end();
        }
    }

    private void deliver(EventLog.Session session, WebhookRow row, Task current) throws InterruptedException {
        WebhookRow.Place place = row.place();
        String cursor = place.cursor();
        switch (place.hasUnreportedLoss() ? new Found.Gap() : session.read(cursor, PAGE)) {
            case Found.Events found -> deliver(found.events(), cursor, session, row, current);
            case Found.Gap gap -> reportGap(cursor, session, row, current);
            case Found.Unchecked unchecked -> {
                metrics.held();
                events.await(POLL);
            }
        }
    }

    private void deliver(
            List<DirectoryEvent> page, String cursor, EventLog.Session session, WebhookRow row, Task current)
            throws InterruptedException {
        if (page.isEmpty()) {
            metrics.upToDate();
            events.await(POLL);
            return;
        }
        String accepted = cursor;
        String reached = cursor;
        for (DirectoryEvent event : page) {
            metrics.waitingSince(event.occurredAt());
            String next = session.cursor(event);
            if (types.contains(event.type())) {
                if (!isAccepted(Message.of(event, next, webhook.source()), accepted, row, current)) {
                    return;
                }
                row.move(accepted, next);
                accepted = next;
            }
            reached = next;
        }
        // Moves the cursor past events of other types, so that it does not expire with them.
        row.move(accepted, reached);
    }

    private void reportGap(String cursor, EventLog.Session session, WebhookRow row, Task current)
            throws InterruptedException {
        log.error("Webhook {} has missed events: they are no longer kept, or a failover may have undone some", name);
        metrics.expired();
        long lossyEra = session.newestLossyEra();
        String next = session.afterGap(cursor);
        // The cursor may be any text that an administrator has set, so the ID contains its hash.
        UUID place = UUID.nameUUIDFromBytes(cursor.getBytes(StandardCharsets.UTF_8));
        String id = "expired-" + session.era() + "-" + place;
        if (isAccepted(Message.ofExpired(id, webhook.source(), next), cursor, row, current)) {
            row.move(cursor, next, lossyEra);
            // If everything was trimmed, the next cursor may have expired, too.
            events.await(POLL);
        }
    }

    /** Retries until the receiver accepts the message. Returns false if the cursor was moved, or the service stops. */
    private boolean isAccepted(Message message, String cursor, WebhookRow row, Task current)
            throws InterruptedException {
        int failures = 0;
        // Reading the cursor also detects the loss of the connection, and of the lock with it.
        while (current.isRunning() && row.cursor().equals(cursor)) {
            Answer answer = metrics.time(() -> receiver.send(message, () -> {
                // Keeps the connection alive, or detects its loss, after which another instance delivers.
                row.cursor();
                current.progress();
            }));
            current.progress();
            if (answer.isAccepted()) {
                if (failures > 0) {
                    log.info("Webhook {} accepts events again", name);
                }
                return true;
            }
            if (failures++ == 0) {
                log.warn("Webhook {} does not accept an event and is tried again: {}", name, answer.failure());
            }
            pause(delay(failures, answer.retryAfter(), webhook.maxDelay()), cursor, row, current);
        }
        return false;
    }

    static Duration delay(int failures, Duration retryAfter, Duration longest) {
        long bound = longest.toMillis();
        long backoff = Math.min(bound, FIRST_DELAY.toMillis() << Math.min(failures - 1, 20));
        long jittered = backoff - ThreadLocalRandom.current().nextLong(backoff / 2 + 1);
        return Duration.ofMillis(Math.max(jittered, Math.min(retryAfter.toMillis(), bound)));
    }

    private void pause(Duration delay, String cursor, WebhookRow row, Task current) throws InterruptedException {
        long end = System.nanoTime() + delay.toNanos();
        for (long left = delay.toNanos();
                left > 0 && current.isRunning() && row.cursor().equals(cursor);
                left = end - System.nanoTime()) {
            current.progress();
            Thread.sleep(Duration.ofNanos(Math.min(left, POLL.toNanos())));
        }
    }
}
