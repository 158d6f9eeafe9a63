package dev.userdirectory.hostile;

import static dev.userdirectory.hostile.Attack.anonymous;
import static dev.userdirectory.hostile.Attack.authenticated;
import static dev.userdirectory.hostile.Attack.body;
import static dev.userdirectory.hostile.Attack.drip;
import static dev.userdirectory.hostile.Attack.slow;
import static dev.userdirectory.hostile.Attack.sockets;
import static dev.userdirectory.hostile.Attack.unreadSockets;

import dev.userdirectory.Waiting;
import dev.userdirectory.graphql.document.Sha256;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntFunction;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import tools.jackson.databind.json.JsonMapper;

/** Every attack that the service must survive. To try another one, add a line. */
final class Attacks {
    /** Makes every request different, even between rounds. */
    private static final AtomicInteger COUNTER = new AtomicInteger();

    private static final String QUOTES = " with value '\"";
    private static final String ALICE = "VQ";
    private static final String FEED = "subscription { userEvents { type user { id name } } }";

    /** A response of nine megabytes, at a cost of a hundred. */
    private static final String LARGE =
            "{ users(first: 100) { nodes { " + repeat(95, n -> "a" + n + "x".repeat(950) + ": email ") + "} } }";

    /** A response of 60 kB, at a cost of a hundred. */
    private static final String SMALL =
            "{ users(first: 100) { nodes { " + repeat(10, n -> "a" + n + "x".repeat(30) + ": email ") + "} } }";

    private static final String HEAD = "GET /graphql HTTP/1.1\r\nHost: localhost\r\n";

    private Attacks() {}

    static List<Attack> all() {
        return List.of(
                // Error messages
                anonymous("a value that error messages are parsed for", 4, 2, i -> enumValue(QUOTES.repeat(4_000))),
                anonymous("such a value as long as a body may be", 2, 2, i -> enumValue(QUOTES.repeat(9_000))),
                anonymous(
                        "such a value as a literal",
                        4,
                        2,
                        i -> body("{ users(first: \"" + " with value '".repeat(4_000) + "\") { totalCount } }")),
                anonymous(
                        "such a value where an input object is wanted",
                        4,
                        2,
                        i -> body(
                                "query ($o: UserOrder!) { users(orderBy: $o) { totalCount } }",
                                Map.of("o", QUOTES.repeat(4_000)))),
                anonymous("names that the schema does not have", 20, 4, i -> body("{ " + "x".repeat(60_000) + " }")),
                anonymous(
                        "a thousand validation errors",
                        20,
                        4,
                        i -> body("{ users { nodes { " + repeat(1_000, n -> "x" + n) + "} } }")),
                anonymous(
                        "an operation name as long as a body may be",
                        20,
                        4,
                        i -> json(Map.of("query", "{ __typename }", "operationName", "x".repeat(60_000)))),
                authenticated(
                        "a thousand refused users",
                        10,
                        4,
                        i -> body(
                                "mutation ($u: [NewUser!]!) { createUsers(users: $u) { errors { path code message } }"
                                        + " }",
                                Map.of("u", Collections.nCopies(1_000, Map.of("name", "", "email", "@".repeat(250)))))),
                authenticated(
                        "IDs and cursors as long as a document may be",
                        20,
                        4,
                        i -> body("{ user(id: \"" + "A".repeat(40_000) + "\") { id } users(after: \""
                                + "A".repeat(40_000) + "\") { totalCount } }")),

                // JSON
                anonymous(
                        "different names of members that nobody knows",
                        70,
                        4,
                        i -> "{\"query\":\"{\",\"zz\":{" + names(39, 49_000) + "}}"),
                anonymous(
                        "different names of variables",
                        70,
                        4,
                        i -> "{\"query\":\"{ __typename }\",\"variables\":{" + names(1, 49_000) + "}}"),
                anonymous(
                        "many short names of extensions",
                        70,
                        4,
                        i -> "{\"query\":\"{ __typename }\",\"extensions\":{" + names(5_000, 8) + "}}"),
                anonymous("arrays in extensions", 28, 28, i -> extensions("[]", 640_000)),
                anonymous("objects in extensions", 28, 28, i -> extensions("{}", 640_000)),
                anonymous("numbers in extensions", 28, 28, i -> extensions("1", 900_000)),
                anonymous("arrays in a member that nobody knows", 28, 28, i -> unknown("[]", 640_000)),
                authenticated("arrays in extensions, with a token", 28, 28, i -> extensions("[]", 640_000)),
                authenticated(
                        "arrays in a member that nobody knows, with a token", 28, 28, i -> unknown("[]", 640_000)),
                authenticated(
                        "arrays in variables",
                        28,
                        28,
                        i -> "{\"query\":\"{ __typename }\",\"variables\":{\"x\":[" + list("[]", 640_000) + "]}}"),
                authenticated(
                        "strings in variables",
                        28,
                        28,
                        i -> "{\"query\":\"{ __typename }\",\"variables\":{\"x\":\"" + "é".repeat(900_000) + "\"}}"),
                authenticated(
                        "escapes in a document",
                        28,
                        28,
                        i -> "{\"query\":\"" + "\\u0020".repeat(300_000) + "{ __typename }\"}"),
                anonymous(
                        "deep arrays",
                        20,
                        4,
                        i -> "{\"query\":\"{ __typename }\",\"variables\":{\"x\":" + "[".repeat(30_000)
                                + "]".repeat(30_000) + "}}"),
                anonymous("a body that never ends its string", 20, 4, i -> "{\"query\":\"" + "x".repeat(60_000)),
                anonymous("a list of operations", 20, 4, i -> "[" + list(body("{ __typename }"), 900) + "]"),
                anonymous(
                        "a number of 60,000 digits in JSON",
                        20,
                        4,
                        i -> "{\"query\":\"query ($i: Int) { users(first: $i) { totalCount } }\",\"variables\":{\"i\":"
                                + "9".repeat(60_000) + "}}"),
                anonymous(
                        "a number with a large exponent in JSON",
                        20,
                        4,
                        i -> "{\"query\":\"query ($i: Int) { users(first: $i) { totalCount } }\",\"variables\":{\"i\":"
                                + "1e999999999}}"),
                anonymous(
                        "a number of 60,000 digits in a document",
                        20,
                        4,
                        i -> body("{ users(first: " + "9".repeat(60_000) + ") { totalCount } }")),
                authenticated(
                        "a number of 99,000 digits in a document",
                        20,
                        4,
                        i -> body("{ users(first: " + "9".repeat(99_000) + ") { totalCount } }")),
                anonymous(
                        "numbers with large exponents in a document",
                        20,
                        4,
                        i -> body("{ users(first: 1e999999999) { totalCount } a: user(id: 1e-999999999) { id } }")),
                anonymous(
                        "a fraction of 60,000 digits in a document",
                        20,
                        4,
                        i -> body("{ users(first: 0." + "9".repeat(60_000) + ") { totalCount } }")),
                anonymous(
                        "fragments, each of which spreads the one before",
                        20,
                        4,
                        i -> body("fragment a0 on Query{__typename}"
                                + repeat(1_800, n -> "fragment a" + (n + 1) + " on Query{...a" + n + "}")
                                + "{...a1800}#" + unique())),
                anonymous(
                        "subscriptions that spread the same fragments",
                        20,
                        4,
                        i -> body(repeat(1_200, n -> "subscription a{...F}") + "fragment F on S{"
                                + repeat(700, n -> "...b" + n) + "}"
                                + repeat(700, n -> "fragment b" + n + " on S{...u}") + "#" + unique())),
                anonymous(
                        "a list in a representation, seven thousand times",
                        20,
                        4,
                        i -> body(
                                "query($r:_Any!){_entities(representations:[" + "$r".repeat(7_400) + "]){__typename}}#"
                                        + unique(),
                                Map.of("r", Collections.nCopies(9_900, i)))),

                // HTTP
                new Attack("requests that are given up", target -> target.drip(50, "POST /graphql HTTP/1.1\r\n")),
                drip(
                        "heads that never end",
                        300,
                        "GET /graphql?query={__typename} HTTP/1.1\r\nHost: localhost\r\nA: b"),
                drip(
                        "bodies that never end",
                        300,
                        "POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 999\r\n\r\n{"),
                drip(
                        "heads of chunks that never end",
                        300,
                        "POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                                + "Transfer-Encoding: chunked\r\n\r\n1;" + "a".repeat(100)),
                new Attack("different tokens that nobody signed", target -> {
                    for (int i = 0; i < 300; i++) {
                        target.post(
                                "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiI" + unique() + "In0." + "A".repeat(3_000),
                                body("{ __typename }"));
                    }
                }),
                new Attack("long queries by GET", target -> {
                    for (int i = 0; i < 200; i++) {
                        target.send(HttpRequest.newBuilder(URI.create(target.graphQl() + "?variables="
                                + encode("{\"" + unique() + "x".repeat(5_000) + "\":0}") + "&query=%7B__typename%7D")));
                    }
                }),
                new Attack("different names of headers", target -> {
                    for (int i = 0; i < 200; i++) {
                        target.send(HttpRequest.newBuilder(target.graphQl())
                                .header("X-" + unique(), "x".repeat(5_000))
                                .header("Accept", "a/b;q=0.1,".repeat(200) + "*/*")
                                .header("Content-Type", "application/json")
                                .POST(BodyPublishers.ofString(body("{ __typename }"))));
                    }
                }),

                // Documents
                anonymous("different operation names", 300, 4, i -> body("query Q" + unique() + " { __typename }")),
                anonymous(
                        "different documents that are denied",
                        300,
                        4,
                        i -> persisted("query Q" + unique() + " { users { totalCount } } #" + "x".repeat(60_000))),
                authenticated(
                        "different documents that are registered",
                        300,
                        4,
                        i -> persisted("query Q" + unique() + " { __typename } #" + "x".repeat(90_000))),
                authenticated(
                        "hashes of documents that nobody has",
                        1_000,
                        4,
                        i -> json(Map.of(
                                "extensions",
                                Map.of("persistedQuery", Map.of("version", 1, "sha256Hash", Sha256.hex(unique())))))),
                authenticated(
                        "different documents with long comments",
                        300,
                        4,
                        i -> body("{ user(id: \"" + ALICE + unique() + "\") { id } } #" + "x".repeat(95_000))),
                authenticated(
                        "documents that differ by a comment, cached",
                        300,
                        4,
                        i -> body("{ groups(first: 1) { nodes { id } } } #" + unique() + "x".repeat(95_000))),
                authenticated(
                        "one long document with different variables",
                        600,
                        4,
                        i -> body(
                                "query ($s: String) { groups(first: 1, search: $s) { nodes { id } } } #"
                                        + "x".repeat(20_000),
                                Map.of("s", unique()))),
                authenticated(
                        "different long keys in variables",
                        300,
                        4,
                        i -> body(
                                "query ($r: [_Any!]!) { _entities(representations: $r) { __typename } }",
                                Map.of(
                                        "r",
                                        List.of(Map.of("__typename", "User", "email", "a@b.c", longName(5_000), 1))))),
                authenticated(
                        "variables of different shapes",
                        500,
                        4,
                        i -> body(
                                "query ($r: [_Any!]!) { _entities(representations: $r) { __typename } }",
                                Map.of("r", List.of(shape(COUNTER.incrementAndGet(), 8))))),
                anonymous(
                        "definitions of types with brackets in ever another order",
                        20,
                        4,
                        i -> body(List.of("extend type A", "extend schema", "extend enum A", "input A { a: A")
                                        .get(i % 4)
                                + " @d(a: " + brackets(COUNTER.incrementAndGet(), 7_000))),
                authenticated(
                        "a long cursor under many aliases",
                        4,
                        4,
                        i -> body(
                                "query ($c: String) { users(first: 100) { nodes { "
                                        + repeat(95, n -> "a" + n + ": groups(after: $c) { __typename } ") + "} } }",
                                Map.of("c", "AQ" + "A".repeat(1_000_000)))),
                authenticated("commas", 20, 4, i -> body("{ __typename " + ",".repeat(95_000) + "}")),
                authenticated(
                        "a block string of blank lines",
                        20,
                        4,
                        i -> body("{ user(id: \"\"\"" + "\n ".repeat(45_000) + "\"\"\") { id } }")),

                // Responses
                new Attack("a long description a hundred thousand times", Attacks::amplify),
                authenticated(
                        "long aliases of a thousand entities",
                        4,
                        4,
                        i -> body(
                                "query ($r: [_Any!]!) { _entities(representations: $r) { ... on User { "
                                        + repeat(95, n -> "a" + n + "x".repeat(900) + ": id ") + "} } }",
                                Map.of(
                                        "r",
                                        Collections.nCopies(
                                                1_000, Map.of("__typename", "User", "email", "alice@example.com"))))),
                authenticated("long aliases of a page", 8, 8, i -> body(LARGE)),
                authenticated(
                        "long aliases of lists in lists",
                        8,
                        8,
                        i -> body("{ users(first: 50) { nodes { groups(first: 50) { nodes { "
                                + repeat(80, n -> "a" + n + "x".repeat(900) + ": id ") + "} } } } }")),
                authenticated(
                        "long aliases of introspection",
                        8,
                        8,
                        i -> body("{ __schema { types { fields { "
                                + repeat(80, n -> "a" + n + "x".repeat(900) + ": name ") + "} } } }")),
                new Attack(
                        "hundreds of thousands of small values",
                        target -> target.post(target.token(), 16, 8, i -> json(manyValues(target, 7, unique())))),
                new Attack("such values from the cache on sockets that do not read", target -> {
                    Map<String, ?> request = manyValues(target, 3, "");
                    HttpResponse<String> response = Objects.requireNonNull(target.post(target.token(), json(request)));
                    if (!response.body().startsWith("{\"data\":")) {
                        throw new IllegalStateException(response.body());
                    }
                    target.post(target.token(), 3, 1, i -> json(request));
                    target.holdSockets(
                            6,
                            false,
                            i -> IntStream.range(-1, 8)
                                    .mapToObj(n -> n < 0 ? init(target.token()) : subscribe(n, request))
                                    .toList());
                }),
                new Attack("large responses by GET", target -> {
                    String extensions =
                            json(Map.of("persistedQuery", Map.of("version", 1, "sha256Hash", Sha256.hex(LARGE))));
                    String register = body(LARGE).replaceFirst("\\{", "{\"extensions\":" + extensions + ",");
                    HttpRequest.Builder get = HttpRequest.newBuilder(
                                    URI.create(target.graphQl() + "?extensions=" + encode(extensions)))
                            .header("Accept", "application/json")
                            .header("Authorization", "Bearer " + target.token());
                    // Memory may still be reserved for an earlier attack.
                    Waiting.until(() -> {
                        target.post(target.token(), register);
                        HttpResponse<String> response = target.send(get);
                        return response != null
                                && response.headers().firstValue("ETag").isPresent();
                    });
                    target.concurrently(32, 16, i -> target.send(get));
                }),
                slow(
                        "large responses that are read slowly",
                        70,
                        target -> http(body(LARGE), "Authorization: Bearer " + target.token())),
                slow(
                        "large responses by event stream that are read slowly",
                        70,
                        target -> http(
                                body(LARGE),
                                "Authorization: Bearer " + target.token() + "\r\nAccept: text/event-stream")),
                slow(
                        "bodies that stop before their end",
                        60,
                        target -> "POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                                + "Content-Length: 60000\r\n\r\n{\"query\":\"{__typename}\",\"x\":["
                                + ",".repeat(10_100)),
                unreadSockets(
                        "large responses on sockets that do not read",
                        6,
                        target -> IntStream.range(-1, 8)
                                .mapToObj(n -> n < 0 ? init(target.token()) : subscribe(n, LARGE))
                                .toList()),
                unreadSockets(
                        "pings on a socket that does not read",
                        1,
                        target -> IntStream.range(-9, 30_000)
                                .mapToObj(n -> n == -9
                                        ? init(target.token())
                                        : n < 0 ? subscribe(n, LARGE) : json(Map.of("type", "ping")))
                                .toList()),

                // PostgreSQL
                authenticated(
                        "a count of what nothing matches",
                        60,
                        12,
                        i -> body("{ users(first: 0, filter: {search: \"☃" + unique().charAt(0)
                                + "\"}) { totalCount } }")),
                authenticated(
                        "a count of one character",
                        60,
                        12,
                        i -> body("{ users(first: 0, filter: {search: \"☃\"}) { totalCount } } #" + unique())),
                authenticated(
                        "a count under many aliases",
                        24,
                        12,
                        i -> body("{ users(first: 20) { nodes { groups(first: 5) { nodes { "
                                + repeat(19, n -> "a" + n + ": members(first: " + n + ") { totalCount } ")
                                + "} } } } } #"
                                + unique())),
                authenticated(
                        "a search for 1.8 million characters",
                        24,
                        12,
                        i -> body(
                                "query ($s: String) { users(filter: {search: $s}) { nodes { id } } }",
                                Map.of("s", "ab".repeat(900_000)))),
                authenticated(
                        "searches for single letters",
                        60,
                        12,
                        i -> body(
                                "{ users(first: 100, orderBy: {field: NAME}, filter: {search: \"%\"}) { nodes { id } }"
                                        + " } #"
                                        + unique())),

                // Sockets and event streams
                sockets(
                        "unfinished messages before connection_init",
                        400,
                        i -> List.of("{\"a\":\"" + "x".repeat(99_000))),
                new Attack(
                        "unfinished messages of one subject",
                        target -> target.holdUnfinished(
                                200, target.token(), "{\"a\":\"" + "x".repeat(49_000) + "é".repeat(49_000))),
                sockets("messages that are no JSON", 200, i -> List.of("x".repeat(7_000))),
                new Attack(
                        "a hundred subscriptions on one socket",
                        target -> target.holdSockets(
                                1,
                                true,
                                i -> IntStream.range(-1, 100)
                                        .mapToObj(n -> n < 0 ? init(target.token()) : subscribe(n, FEED))
                                        .toList())),
                new Attack(
                        "sockets of one subject",
                        target ->
                                target.holdSockets(400, true, i -> List.of(init(target.token()), subscribe(0, FEED)))),
                new Attack(
                        "long IDs of operations",
                        target -> target.holdSockets(
                                20,
                                true,
                                i -> IntStream.range(-1, 50)
                                        .mapToObj(n -> n < 0
                                                ? init(target.token())
                                                : json(Map.of(
                                                        "type",
                                                        "subscribe",
                                                        "id",
                                                        n + "x".repeat(90_000),
                                                        "payload",
                                                        Map.of("query", FEED))))
                                        .toList())),
                new Attack("event streams of one subject", Attacks::openStreams),
                new Attack(
                        "event streams with long extensions",
                        target -> target.holdStreams(
                                200, json(Map.of("query", FEED, "extensions", Map.of("x", "x".repeat(1_900_000)))))),
                new Attack("long aliases of cached responses by event stream", Attacks::streamLongAliases),
                slow(
                        "small responses that are read slowly",
                        2_000,
                        target -> http(body(SMALL), "Authorization: Bearer " + target.token())
                                .repeat(60)),
                new Attack("heads that stop before their end", target -> target.holdConnections(4_500, HEAD + "A: b")),
                new Attack(
                        "sockets that are refused and not closed",
                        target -> target.holdConnections(
                                4_500,
                                HEAD + "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                                        + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                                        + "Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n")));
    }

    /** The bytes of a request by POST. */
    private static String http(String body, String headers) {
        return "POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n" + headers
                + "\r\nContent-Length: " + body.length() + "\r\n\r\n" + body;
    }

    private static String unique() {
        return Integer.toString(COUNTER.incrementAndGet(), 36) + "z";
    }

    private static String json(Object value) {
        return JsonMapper.shared().writeValueAsString(value);
    }

    private static String repeat(int times, IntFunction<String> part) {
        return IntStream.range(0, times).mapToObj(part).collect(Collectors.joining(" "));
    }

    private static String list(String element, int times) {
        return String.join(",", Collections.nCopies(times, element));
    }

    private static String enumValue(String value) {
        return body("query ($f: UserOrderField!) { users(orderBy: {field: $f}) { nodes { id } } }", Map.of("f", value));
    }

    private static String brackets(int seed, int depth) {
        Random random = new Random(seed);
        return IntStream.range(0, depth)
                .mapToObj(i -> random.nextBoolean() ? "[" : "{a:")
                .collect(Collectors.joining());
    }

    private static String longName(int length) {
        String unique = unique();
        return unique + "x".repeat(length - unique.length());
    }

    private static String names(int count, int length) {
        return IntStream.range(0, count)
                .mapToObj(i -> "\"" + longName(length) + "\":0")
                .collect(Collectors.joining(","));
    }

    private static String extensions(String element, int times) {
        return "{\"query\":\"{users{nodes{id}}}\",\"extensions\":{\"x\":[" + list(element, times) + "]}}";
    }

    private static String unknown(String element, int times) {
        return "{\"query\":\"{users{nodes{id}}}\",\"x\":[" + list(element, times) + "]}";
    }

    private static String persisted(String query) {
        return json(Map.of(
                "query",
                query,
                "extensions",
                Map.of("persistedQuery", Map.of("version", 1, "sha256Hash", Sha256.hex(query)))));
    }

    /** An object whose members are lists where the bit is set, and numbers elsewhere. */
    private static Map<String, Object> shape(int bits, int length) {
        Map<String, Object> shape = IntStream.range(0, length)
                .boxed()
                .collect(Collectors.toMap(i -> "m" + i, i -> (bits >> i & 1) == 1 ? List.of(true) : i));
        shape.put("__typename", "User");
        shape.put("email", "a@b.c");
        return shape;
    }

    private static void amplify(Target target) throws Exception {
        String id = target.service()
                .post(
                        "mutation ($d: String) { createGroup(name: \"Long\", description: $d) { group { id } } }",
                        Map.of("d", "x".repeat(2_000)))
                .at("/data/createGroup/group/id")
                .asString();
        target.post(
                target.token(),
                4,
                2,
                i -> body(
                        "query ($r: [_Any!]!) { _entities(representations: $r) { ... on Group { "
                                + repeat(99, n -> "a" + n + ": description ") + "} } }",
                        Map.of("r", Collections.nCopies(1_000, Map.of("__typename", "Group", "id", id)))));
    }

    /** From the third time on, the response to a document comes from the cache. */
    private static void streamLongAliases(Target target) throws Exception {
        for (int i = 0; i < 200; i++) {
            String body = body("{ groups(first: 1) { nodes { " + longName(49_000) + ": id } } }");
            target.post(target.token(), 2, 1, n -> body);
            target.send(HttpRequest.newBuilder(target.graphQl())
                    .header("Content-Type", "application/json")
                    .header("Accept", "text/event-stream")
                    .header("Authorization", "Bearer " + target.token())
                    .POST(BodyPublishers.ofString(body)));
        }
    }

    private static String init(String token) {
        return json(Map.of("type", "connection_init", "payload", Map.of("Authorization", "Bearer " + token)));
    }

    private static String subscribe(int id, String query) {
        return subscribe(id, Map.of("query", query));
    }

    private static String subscribe(int id, Map<String, ?> request) {
        return json(Map.of("type", "subscribe", "id", "s" + id, "payload", request));
    }

    /** A request for 78,000 numbers for each member of a group. */
    private static Map<String, ?> manyValues(Target target, int members, String comment) {
        HttpResponse<String> groups = target.post(target.token(), body("{ groups(first: 1) { nodes { id } } }"));
        String id = JsonMapper.shared()
                .readTree(Objects.requireNonNull(groups).body())
                .at("/data/groups/nodes/0/id")
                .asString();
        return Map.of(
                "query",
                "query ($r: [_Any!]!) { _entities(representations: $r) { ... on Group { members(first: " + members
                        + ") { nodes { " + repeat(78, n -> "a" + Integer.toString(n, 36) + ": version ") + "} } } } } #"
                        + comment,
                "variables",
                Map.of("r", Collections.nCopies(1_000, Map.of("__typename", "Group", "id", id))));
    }

    private static void openStreams(Target target) throws Exception {
        target.holdStreams(400, body(FEED));
    }

    private static String encode(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8);
    }
}
