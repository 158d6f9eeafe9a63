package dev.userdirectory.subscription;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A client of GraphQL over server-sent events. Once it is created, the stream is open and the operation subscribed. */
public final class EventStreamClient implements AutoCloseable {
    private static final HttpClient HTTP =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

    private final HttpResponse<InputStream> response;
    private final BlockingQueue<Event> events = new LinkedBlockingQueue<>();
    private final AtomicInteger comments = new AtomicInteger();
    private volatile boolean reading = true;

    /** @param type {@code next}, {@code complete}, or {@code end} after the last event */
    public record Event(@Nullable String id, String type, JsonNode data) {}

    public EventStreamClient(
            URI uri, String token, String query, Map<String, ?> variables, @Nullable String lastEventId)
            throws IOException, InterruptedException {
        this(
                HttpRequest.newBuilder(uri)
                        .header("Content-Type", "application/json")
                        .POST(BodyPublishers.ofString(JsonMapper.shared()
                                .writeValueAsString(Map.of("query", query, "variables", variables)))),
                token,
                lastEventId);
    }

    /** @param body the JSON, sent unchanged */
    public static EventStreamClient post(URI uri, String token, String body) throws IOException, InterruptedException {
        return new EventStreamClient(
                HttpRequest.newBuilder(uri)
                        .header("Content-Type", "application/json")
                        .POST(BodyPublishers.ofString(body)),
                token,
                null);
    }

    /** Subscribes as an {@code EventSource} does. */
    public static EventStreamClient get(URI uri, String token, String query, @Nullable String lastEventId)
            throws IOException, InterruptedException {
        URI withQuery = URI.create(uri + "?query=" + URLEncoder.encode(query, StandardCharsets.UTF_8));
        return new EventStreamClient(HttpRequest.newBuilder(withQuery), token, lastEventId);
    }

    private EventStreamClient(HttpRequest.Builder request, String token, @Nullable String lastEventId)
            throws IOException, InterruptedException {
        request.header("Accept", "text/event-stream").header("Authorization", "Bearer " + token);
        if (lastEventId != null) {
            request.header("Last-Event-ID", lastEventId);
        }
        response = HTTP.send(request.build(), BodyHandlers.ofInputStream());
        Thread.ofVirtual().start(this::read);
    }

    public int status() {
        return response.statusCode();
    }

    /** Returns the next event, or null if none arrives in that time. */
    public @Nullable Event poll(long millis) throws InterruptedException {
        return events.poll(millis, TimeUnit.MILLISECONDS);
    }

    public Event expect(String type) throws InterruptedException {
        Event event = poll(20_000);
        if (event == null || !event.type.equals(type)) {
            throw new AssertionError("Not a " + type + ": " + event);
        }
        return event;
    }

    /** The number of pings received. */
    public int comments() {
        return comments.get();
    }

    /** Stops reading from the connection, but keeps it open. */
    public void stopReading() {
        reading = false;
    }

    public void readAgain() {
        reading = true;
    }

    private void read() {
        try (BufferedReader lines =
                new BufferedReader(new InputStreamReader(response.body(), StandardCharsets.UTF_8))) {
            String id = null;
            String type = null;
            String data = "";
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                if (line.isEmpty()) {
                    if (type != null) {
                        events.add(new Event(id, type, JsonMapper.shared().readTree(data)));
                    }
                    id = null;
                    type = null;
                } else if (line.startsWith("id:")) {
                    id = line.substring(3);
                } else if (line.startsWith("event:")) {
                    type = line.substring(6);
                } else if (line.startsWith("data:")) {
                    data = line.substring(5);
                } else if (line.startsWith(":")) {
                    comments.incrementAndGet();
                }
                while (!reading) {
                    Thread.sleep(Duration.ofMillis(10));
                }
            }
        } catch (IOException | InterruptedException e) {
            // Disconnected.
        } finally {
            events.add(new Event(null, "end", JsonMapper.shared().nullNode()));
        }
    }

    /** Disconnects without completing the operation, as if the network were gone. */
    @Override
    public void close() {
        try {
            response.body().close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
