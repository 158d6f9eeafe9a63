package dev.userdirectory.event;

import dev.userdirectory.relay.GlobalId;
import dev.userdirectory.subscription.EventStreamClient;
import dev.userdirectory.user.User;
import java.io.IOException;
import java.net.URI;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import org.springframework.jdbc.core.JdbcTemplate;
import tools.jackson.databind.JsonNode;

/** Follows the feed as clients should: resumes whenever its stream ends, unless its cursor has expired. */
public final class TrackedFollower implements AutoCloseable {
    private final URI graphQl;
    private final String token;
    private final String query;
    private final String start;
    private final List<String> events = new CopyOnWriteArrayList<>();
    private final Set<String> errors = ConcurrentHashMap.newKeySet();
    private final Thread thread;
    private volatile String last;
    private volatile boolean expired;
    private volatile boolean incomplete;
    private volatile boolean running = true;

    /**
     * @param start the cursor after which it begins
     * @param fields further fields of the event to select
     */
    public TrackedFollower(URI graphQl, String token, String start, String fields) {
        this.graphQl = graphQl;
        this.token = token;
        this.query =
                "subscription ($after: String) { userEvents(after: $after) { cursor type userId " + fields + " } }";
        this.start = start;
        this.last = start;
        thread = Thread.startVirtualThread(this::run);
    }

    public boolean isExpired() {
        return expired;
    }

    /** Whether it has received an event with an error in one of its fields. */
    public boolean isIncomplete() {
        return incomplete;
    }

    /** The cursor of the last event received. */
    public String last() {
        return last;
    }

    /** The type and user of each event received, in order. */
    public List<String> events() {
        return events;
    }

    /** The error codes and exceptions that ended a stream. */
    public Set<String> errors() {
        return errors;
    }

    /** The events that it must have received by now, unless its cursor has expired. */
    public List<String> expected(JdbcTemplate jdbc) {
        Position after = FeedCursors.position(start);
        return jdbc.query(
                "select type, user_id from user_events where (transaction, sequence) > (?, ?)"
                        + " order by transaction, sequence",
                (row, number) ->
                        row.getString("type") + " " + new GlobalId(User.TYPE, row.getObject("user_id", UUID.class)),
                after.transaction(),
                after.sequence());
    }

    private void run() {
        while (running && !expired) {
            try (EventStreamClient stream = new EventStreamClient(graphQl, token, query, Map.of("after", last), null)) {
                follow(stream);
            } catch (IOException | RuntimeException | AssertionError e) {
                errors.add(String.valueOf(e));
            } catch (InterruptedException e) {
                return;
            }
            pause();
        }
    }

    private void follow(EventStreamClient stream) throws InterruptedException {
        while (running) {
            EventStreamClient.Event event = stream.poll(100);
            if (event == null) {
                continue;
            }
            JsonNode error = event.data().at("/errors/0/extensions/code");
            if (error.isString()) {
                errors.add(error.asString());
                incomplete |= event.data().has("data");
                expired = error.asString().equals("EVENTS_EXPIRED");
                return;
            }
            if (!event.type().equals("next")) {
                return;
            }
            JsonNode seen = event.data().at("/data/userEvents");
            last = seen.get("cursor").asString();
            events.add(seen.get("type").asString() + " " + seen.get("userId").asString());
        }
    }

    private static void pause() {
        try {
            Thread.sleep(50);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public void close() {
        running = false;
        thread.interrupt();
    }
}
