package dev.userdirectory.subscription;

/**
 * Ends a subscription if its source stream fails with this exception. The client receives the code, the message and the
 * cursor of the last event that it was sent.
 */
public class SubscriptionEnded extends RuntimeException {
    private final String code;

    public SubscriptionEnded(String code, String message) {
        super(message, null, false, false);
        this.code = code;
    }

    String code() {
        return code;
    }
}
