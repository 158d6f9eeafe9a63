package dev.userdirectory.subscription;

/**
 * Why the service ends a subscription, to be published as its error. The client is told this together with the cursor of
 * the last event that it was sent.
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
