package dev.userdirectory.http;

import jakarta.servlet.http.HttpServletRequest;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Enumeration;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.springframework.graphql.MediaTypes;
import org.springframework.http.HttpHeaders;
import org.springframework.http.InvalidMediaTypeException;
import org.springframework.http.MediaType;

/**
 * The response types that a request's {@code Accept} header allows (RFC 9110, 12.5.1): weights count, the most specific
 * range decides, and parameters other than a charset are ignored.
 *
 * @param json the preferred JSON type, or null if neither is accepted
 * @param stream whether an event stream is accepted; the wildcard alone does not request one
 * @param streamFirst whether an event stream has more weight than JSON, or is the only type accepted
 */
public record Negotiation(@Nullable MediaType json, boolean stream, boolean streamFirst) {
    private static final Negotiation JSON = new Negotiation(MediaType.APPLICATION_JSON, false, false);
    private static final Negotiation GRAPHQL = new Negotiation(MediaTypes.APPLICATION_GRAPHQL_RESPONSE, false, false);
    private static final Negotiation STREAM = new Negotiation(null, true, true);
    private static final Negotiation NOTHING = new Negotiation(null, false, false);
    /** The headers that nearly all clients send, parsed in advance. */
    private static final Map<String, Negotiation> USUAL = Map.of(
            "*/*", JSON,
            "application/json", JSON,
            "application/json, */*", JSON,
            "application/json, text/plain, */*", JSON,
            "application/graphql-response+json", GRAPHQL,
            "application/graphql-response+json, application/json", GRAPHQL,
            "application/graphql-response+json,application/json;q=0.9", GRAPHQL,
            "text/event-stream", STREAM);

    public static Negotiation of(HttpServletRequest request) {
        Enumeration<String> headers = request.getHeaders(HttpHeaders.ACCEPT);
        if (headers == null || !headers.hasMoreElements()) {
            return JSON;
        }
        String first = headers.nextElement();
        if (!headers.hasMoreElements()) {
            return of(first);
        }
        List<String> all = new ArrayList<>(List.of(first));
        all.addAll(Collections.list(headers));
        return parse(all);
    }

    /** @param header the only {@code Accept} header; an empty one allows everything */
    private static Negotiation of(String header) {
        Negotiation usual = USUAL.get(header);
        return usual == null ? parse(List.of(header)) : usual;
    }

    private static Negotiation parse(List<String> headers) {
        List<MediaType> ranges;
        try {
            ranges = MediaType.parseMediaTypes(headers);
        } catch (InvalidMediaTypeException e) {
            return NOTHING;
        }
        if (ranges.isEmpty()) {
            return JSON;
        }
        Match plain = Match.of(MediaType.APPLICATION_JSON, ranges);
        Match graphQl = Match.of(MediaTypes.APPLICATION_GRAPHQL_RESPONSE, ranges);
        Match stream = Match.of(MediaType.TEXT_EVENT_STREAM, ranges);
        Match json = graphQl.isBetterThan(plain) ? graphQl : plain;
        boolean streams = stream.weight > 0 && stream.specificity > 0;
        return new Negotiation(json.weight > 0 ? json.type : null, streams, streams && stream.weight > json.weight);
    }

    boolean isNothing() {
        return json == null && !stream;
    }

    /** The type of an error that is not streamed, even if only a stream is accepted. */
    MediaType errors() {
        return json == null ? MediaType.APPLICATION_JSON : json;
    }

    /**
     * The range that applies to a media type.
     *
     * @param specificity 0 for the wildcard, -1 if no range matches
     */
    private record Match(MediaType type, double weight, int specificity, int position) {
        static Match of(MediaType type, List<MediaType> ranges) {
            Match best = new Match(type, 0, -1, 0);
            for (int i = 0; i < ranges.size(); i++) {
                MediaType range = ranges.get(i);
                int specificity = range.isWildcardType() ? 0 : range.isWildcardSubtype() ? 1 : 2;
                boolean hasOurCharset = range.getParameter("charset") == null
                        || "utf-8"
                                .equalsIgnoreCase(range.getParameter("charset").replace("\"", ""));
                if (hasOurCharset && range.includes(type) && specificity > best.specificity) {
                    best = new Match(type, range.getQualityValue(), specificity, i);
                }
            }
            return best;
        }

        boolean isBetterThan(Match other) {
            if (weight != other.weight) {
                return weight > other.weight;
            }
            return specificity != other.specificity ? specificity > other.specificity : position < other.position;
        }
    }
}
