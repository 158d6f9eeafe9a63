package dev.userdirectory.cache;

/** What became known of an operation as it was executed, under its class in the GraphQL context. */
class CachedOperation {
    private volatile CachePolicy policy = CachePolicy.NONE;

    CachePolicy policy() {
        return policy;
    }

    void set(CachePolicy policy) {
        this.policy = policy;
    }
}
