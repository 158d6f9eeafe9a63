package dev.userdirectory.subscription;

import org.springframework.graphql.server.WebGraphQlRequest;

/**
 * What a subscription's data fetcher publishes: one event of its source stream. Each is executed as an operation of its
 * own, in whose GraphQL context it stands under this class.
 *
 * @param cursor where a client that has received this event resumes
 * @param value of the subscription's root field
 */
public record SourceEvent(String cursor, Object value) {
    static final String ATTRIBUTE = SourceEvent.class.getName();

    /** Whether the request is for one event of a subscription, rather than sent by a client. */
    public static boolean isIn(WebGraphQlRequest request) {
        return request.getAttributes().containsKey(ATTRIBUTE);
    }
}
