package dev.userdirectory.graphql.operation;

/**
 * What a subscription's data fetcher publishes: one event of its source stream. Each is executed as an operation of its
 * own, see {@link Operation#event}.
 *
 * @param cursor where a client that has received this event resumes
 * @param value of the subscription's root field
 */
public record SourceEvent(String cursor, Object value) {}
