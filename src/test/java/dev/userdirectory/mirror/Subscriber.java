package dev.userdirectory.mirror;

import dev.userdirectory.ServiceProcess;
import dev.userdirectory.subscription.EventStreamClient;
import dev.userdirectory.subscription.SocketClient;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;
import tools.jackson.databind.JsonNode;

/** Subscribes, disconnects after a random time, and resumes after the last event, at any instance. */
public abstract class Subscriber extends Follower {
    static final String FEED = "subscription ($after: String) { directoryEvents(after: $after) " + Mirror.EVENT + " }\n"
            + Mirror.FRAGMENTS;

    private static final int MAX_MILLIS = 500;

    private long cut;

    private Subscriber(Mirror mirror, List<ServiceProcess> services) {
        super(mirror, services);
    }

    public static Follower overWebSocket(Mirror mirror, List<ServiceProcess> services) {
        return new OverWebSocket(mirror, services).start();
    }

    public static Follower overEventStream(Mirror mirror, List<ServiceProcess> services) {
        return new OverEventStream(mirror, services).start();
    }

    @Override
    final void follow() throws IOException, InterruptedException {
        cut = System.nanoTime()
                + Duration.ofMillis(ThreadLocalRandom.current().nextInt(5, MAX_MILLIS))
                        .toNanos();
        subscribe(service());
    }

    abstract void subscribe(ServiceProcess service) throws IOException, InterruptedException;

    final boolean isConnected() {
        return System.nanoTime() < cut;
    }

    private static final class OverWebSocket extends Subscriber {
        OverWebSocket(Mirror mirror, List<ServiceProcess> services) {
            super(mirror, services);
        }

        @Override
        void subscribe(ServiceProcess service) {
            try (SocketClient socket = SocketClient.connect(service.graphQl(), service.token())) {
                socket.subscribe("1", FEED, Map.of("after", mirror.cursor()));
                while (isConnected()) {
                    JsonNode message = socket.poll(Duration.ofMillis(5));
                    if (message != null
                            && (!message.get("type").asString().equals("next")
                                    || message.get("payload").has("errors"))) {
                        note(message.toString());
                        return;
                    }
                    if (message != null) {
                        apply(message.at("/payload/data/directoryEvents"));
                    }
                }
            }
        }
    }

    /** Repeats the same operation, with the ID of the last event in a header, as an {@code EventSource} does. */
    private static final class OverEventStream extends Subscriber {
        private final String start = mirror.cursor();

        OverEventStream(Mirror mirror, List<ServiceProcess> services) {
            super(mirror, services);
        }

        @Override
        void subscribe(ServiceProcess service) throws IOException, InterruptedException {
            try (EventStreamClient stream = new EventStreamClient(
                    service.graphQl(), service.token(), FEED, Map.of("after", start), mirror.cursor())) {
                while (isConnected()) {
                    EventStreamClient.Event event = stream.poll(5);
                    if (event != null
                            && (!event.type().equals("next") || event.data().has("errors"))) {
                        note(event.toString());
                        return;
                    }
                    if (event != null) {
                        apply(event.data().at("/data/directoryEvents"));
                    }
                }
            }
        }
    }
}
