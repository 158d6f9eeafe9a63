package dev.userdirectory.subscription;

import dev.userdirectory.error.ErrorCode;
import dev.userdirectory.http.HttpError;
import java.util.Map;

/** Thrown when one client, or all clients together, would exceed a limit on open connections or operations. */
final class LimitReached extends RuntimeException {
    private final int limit;

    LimitReached(String message, int limit) {
        super(message, null, false, false);
        this.limit = limit;
    }

    HttpError error() {
        return new HttpError(ErrorCode.TOO_MANY_SUBSCRIPTIONS, String.valueOf(getMessage()), Map.of("limit", limit));
    }
}
