package dev.userdirectory.webhook;

import dev.userdirectory.database.BackgroundThreads;
import dev.userdirectory.database.BackgroundThreads.Task;
import dev.userdirectory.event.EventLog;
import io.micrometer.core.instrument.MeterRegistry;
import java.net.http.HttpClient;
import java.net.http.HttpClient.Redirect;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.context.SmartLifecycle;
import org.springframework.stereotype.Component;

/** Starts a thread for each configured webhook, so that no webhook delays another. */
@Component
@EnableConfigurationProperties(WebhookProperties.class)
class Webhooks implements SmartLifecycle {
    /** How long an attempt may take when the service stops. Another instance repeats an attempt that takes longer. */
    private static final Duration PATIENCE = Duration.ofSeconds(1);

    private final EventLog events;
    private final BackgroundThreads threads;
    private final List<Delivery> deliveries;
    private final List<Task> tasks = new ArrayList<>();

    Webhooks(WebhookProperties properties, EventLog events, BackgroundThreads threads, MeterRegistry meters) {
        this.events = events;
        this.threads = threads;
        this.deliveries = deliveries(properties.webhooks(), events, meters);
    }

    private static List<Delivery> deliveries(List<Webhook> webhooks, EventLog events, MeterRegistry meters) {
        if (webhooks.isEmpty()) {
            return List.of();
        }
        // Without HTTP/2, which has no advantage for one request at a time.
        HttpClient http = HttpClient.newBuilder()
                .version(HttpClient.Version.HTTP_1_1)
                .followRedirects(Redirect.NEVER)
                .build();
        return webhooks.stream()
                .map(webhook -> new Delivery(events, webhook, new Receiver(http, webhook), meters))
                .toList();
    }

    @Override
    public boolean isAutoStartup() {
        return events.isFollowed();
    }

    @Override
    public void start() {
        deliveries.forEach(delivery -> tasks.add(threads.start("webhook-" + delivery.name(), delivery::run)));
    }

    @Override
    public void stop() {
        List<Thread> stops = tasks.stream()
                .map(task -> Thread.startVirtualThread(() -> task.stop(PATIENCE)))
                .toList();
        tasks.clear();
        try {
            for (Thread stop : stops) {
                stop.join();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public boolean isRunning() {
        return !tasks.isEmpty();
    }

    /** Starts and stops along with the other background threads. */
    @Override
    public int getPhase() {
        return 0;
    }
}
