package dev.userdirectory.graphql.operation;

/**
 * One event of a subscription's source stream, as the data fetcher publishes it. Each event is executed as an operation
 * of its own, see {@link Operation#event}.
 *
 * @param cursor where a client that has received this event resumes
 * @param value the value of the subscription's root field
 */
public record SourceEvent(String cursor, Object value) {}
