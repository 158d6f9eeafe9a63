package dev.userdirectory.subscription;

import java.util.Map;

/** One client, or all clients together, would keep more open than a limit allows. */
final class LimitReached extends RuntimeException {
    private final int limit;

    LimitReached(String message, int limit) {
        super(message, null, false, false);
        this.limit = limit;
    }

    Map<String, ?> error() {
        return Map.of(
                "message",
                String.valueOf(getMessage()),
                "extensions",
                Map.of("code", "TOO_MANY_SUBSCRIPTIONS", "limit", limit));
    }
}
