package dev.userdirectory.graphql.operation;

/** How an operation arrived. The transport decides which kinds of operations are allowed. */
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
