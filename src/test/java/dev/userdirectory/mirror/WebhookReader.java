package dev.userdirectory.mirror;

import com.sun.net.httpserver.HttpExchange;
import dev.userdirectory.ServiceProcess;
import dev.userdirectory.webhook.TestReceiver;
import dev.userdirectory.webhook.TestReceiver.Request;
import java.io.IOException;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;
import tools.jackson.databind.JsonNode;

/** Applies the events that a webhook has delivered, and reads the objects that they name. */
public final class WebhookReader extends Follower {
    private static final String OBJECTS =
            "query ($ids: [ID!]!) { nodes(ids: $ids) { ...u ...g } }\n" + Mirror.FRAGMENTS;
    private static final int PAGE = 50;

    private final List<Request> accepted;
    private final Set<String> ids = new HashSet<>();
    /** The objects that events have changed since they were read. */
    private final Set<String> changed = new LinkedHashSet<>();

    private int next;

    private WebhookReader(Mirror mirror, List<ServiceProcess> services, List<Request> accepted) {
        super(mirror, services);
        this.accepted = accepted;
    }

    public static Follower start(Mirror mirror, List<ServiceProcess> services, TestReceiver receiver) {
        return new WebhookReader(mirror, services, receiver.accepted()).start();
    }

    /** The environment variables with which a service sends each event to the receiver, and retries soon. */
    public static Map<String, String> configuration(TestReceiver receiver) {
        return Map.of(
                "DIRECTORY_WEBHOOKS_0_NAME", "mirror",
                "DIRECTORY_WEBHOOKS_0_URL", receiver.url().toString(),
                "DIRECTORY_WEBHOOKS_0_SECRET", "whsec_c2VjcmV0IG9mIGF0IGxlYXN0IDI0IGJ5dGVz",
                "DIRECTORY_WEBHOOKS_0_TIMEOUT", "300ms",
                "DIRECTORY_WEBHOOKS_0_MAXDELAY", "20ms");
    }

    /** Fails sometimes, and hangs sometimes. */
    public static int misbehave(HttpExchange exchange) throws InterruptedException {
        return switch (ThreadLocalRandom.current().nextInt(50)) {
            case 0 -> 500;
            case 1 -> 0;
            case 2 -> TestReceiver.hang(exchange);
            default -> TestReceiver.accept(exchange);
        };
    }

    @Override
    void follow() throws IOException, InterruptedException {
        while (next < accepted.size() && changed.size() < PAGE) {
            Request request = accepted.get(next++);
            // An event may arrive more than once.
            if (ids.add(request.id())) {
                take(request.event());
            }
        }
        if (changed.isEmpty()) {
            Thread.sleep(20);
        } else {
            readChanged();
        }
    }

    private void take(JsonNode message) {
        JsonNode event = message.get("data");
        String type = message.get("type").asString().replace("dev.userdirectory.", "");
        apply(type, event);
        if (!type.startsWith("Member") && !type.endsWith("Deleted")) {
            changed.add(message.get("subject").asString());
        }
    }

    private void readChanged() throws IOException, InterruptedException {
        List<String> read = List.copyOf(changed);
        List<JsonNode> objects = service().data(OBJECTS, Map.of("ids", read)).get("nodes").values().stream()
                .toList();
        for (int i = 0; i < read.size(); i++) {
            mirror.show(read.get(i), objects.get(i));
        }
        changed.clear();
    }
}
