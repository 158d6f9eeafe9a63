package dev.userdirectory.policy;

/** How an operation came, which decides what kind of operation it may be. */
public enum Transport {
    POST(true, false),
    GET(false, false),
    STREAM(true, true),
    STREAM_BY_GET(false, true),
    SOCKET(true, true);

    private final boolean mutations;
    private final boolean subscriptions;

    Transport(boolean mutations, boolean subscriptions) {
        this.mutations = mutations;
        this.subscriptions = subscriptions;
    }

    public boolean isByGet() {
        return this == GET || this == STREAM_BY_GET;
    }

    public boolean allowsMutations() {
        return mutations;
    }

    public boolean allowsSubscriptions() {
        return subscriptions;
    }
}
