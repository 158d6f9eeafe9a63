package dev.userdirectory.graphql.cache;

import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import org.springframework.graphql.server.WebGraphQlResponse;
import org.springframework.http.CacheControl;
import org.springframework.http.HttpHeaders;

/** The headers by which clients and the service agree on caching. */
final class CacheHeaders {
    /** Request headers that add data to the response that is meant for this request alone. */
    private static final List<String> UNCACHED = List.of("GraphQL-Cost", "apollo-federation-include-trace");

    /** All request headers that the response to one URL depends on. */
    private static final List<String> VARY = Stream.concat(Stream.of("Authorization", "Accept"), UNCACHED.stream())
            .toList();

    private CacheHeaders() {}

    /** Whether these headers make the response useless for other requests. */
    static boolean forbidCaching(HttpHeaders request) {
        return UNCACHED.stream().anyMatch(request::containsHeader);
    }

    /**
     * Browsers cache responses to GET, but have to revalidate them each time: a browser cannot know what its own user
     * has changed since. Responses are private even where the schema says public, because a proxy knows nothing about
     * scopes.
     */
    static void setMaxAge(WebGraphQlResponse response, Duration maxAge, boolean byGet) {
        CacheControl control = byGet ? CacheControl.noCache() : CacheControl.maxAge(maxAge);
        response.getResponseHeaders().setCacheControl(control.cachePrivate());
        response.getResponseHeaders().put(HttpHeaders.VARY, VARY);
    }

    static void setNoStore(WebGraphQlResponse response) {
        response.getResponseHeaders().setCacheControl(CacheControl.noStore());
    }
}
