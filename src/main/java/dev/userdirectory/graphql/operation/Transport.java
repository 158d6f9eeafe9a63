package dev.userdirectory.graphql.operation;

/** How an operation came, which decides what kind of operation it may be. */
public enum Transport {
    POST,
    GET,
    STREAM,
    STREAM_BY_GET,
    SOCKET;

    public boolean isByGet() {
        return this == GET || this == STREAM_BY_GET;
    }
}
