package dev.userdirectory.subscription;

import dev.userdirectory.error.ErrorCode;

/**
 * Ends a subscription when its source stream fails with this exception. The client receives the code, the message and
 * the cursor of the last event that it was sent.
 */
public class SubscriptionEnded extends RuntimeException {
    private final ErrorCode code;

    public SubscriptionEnded(ErrorCode code, String message) {
        super(message, null, false, false);
        this.code = code;
    }

    ErrorCode code() {
        return code;
    }
}
