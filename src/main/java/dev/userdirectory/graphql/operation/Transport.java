package dev.userdirectory.graphql.operation;

/** How an operation arrived. The transport decides which kinds of operations are allowed. */
public enum Transport {
    POST,
    GET,
    STREAM,
    STREAM_BY_GET,
    SOCKET;

    /** Whether the response is part of a message, which is encoded as a whole before it is sent. */
    public boolean isInMessage() {
        return this == STREAM || this == STREAM_BY_GET || this == SOCKET;
    }

    public boolean isByGet() {
        return this == GET || this == STREAM_BY_GET;
    }
}
