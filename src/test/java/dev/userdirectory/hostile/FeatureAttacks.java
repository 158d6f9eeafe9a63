package dev.userdirectory.hostile;

import static dev.userdirectory.hostile.Attack.authenticated;
import static dev.userdirectory.hostile.Attack.body;

import java.net.URI;
import java.net.http.HttpRequest;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.Base64;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.function.IntFunction;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** Attacks by way of single features: the feed, addresses, filters, writes of many users, and exports. */
final class FeatureAttacks {
    /** One letter that Unicode maps to eighteen, and a domain whose labels are all Punycode. */
    private static final String LONG_DOMAIN = "ﷺ".repeat(250);

    private static final String PUNYCODE = "xn--a-0ga.".repeat(24) + "com";
    private static final String AFTER_ALL_TIME = "+294277-01-01T00:00:00Z";

    private FeatureAttacks() {}

    static List<Attack> all() {
        return List.of(
                // The feed
                new Attack("streams that replay the feed and match nothing", FeatureAttacks::replayNothing),
                authenticated("a time under many aliases", 24, 12, i -> since(19)),
                authenticated(
                        "times that the database does not have",
                        60,
                        12,
                        i -> body(
                                "query ($s: DateTime) { "
                                        + repeat(19, n -> "a" + n + ": directoryEvents(since: $s) { __typename }")
                                        + " }",
                                Map.of("s", AFTER_ALL_TIME))),
                authenticated(
                        "types that hardly any event has",
                        24,
                        12,
                        i -> body("{ "
                                + repeat(
                                        9,
                                        n -> "a" + n + ": directoryEvents(first: " + n
                                                + ", types: [GROUP_DELETED]) { nodes { __typename } }")
                                + " }")),
                authenticated(
                        "histories of a page of users",
                        24,
                        12,
                        i -> body("{ users(first: 100) { nodes { "
                                + repeat(7, n -> "a" + n + ": history(first: " + n + ") { nodes { cursor } }")
                                + " } } }")),
                authenticated(
                        "one long variable, a thousand times in a mutation with a key",
                        4,
                        4,
                        i -> body(
                                "mutation ($i: ID!) { deleteUsers(ids: [" + "$i ".repeat(1000)
                                        + "], idempotencyKey: \"k" + i + "\") { errors { code } } }",
                                Map.of("i", "x".repeat(1_900_000)))),
                authenticated(
                        "representations with the same hash",
                        4,
                        4,
                        i -> body(
                                "query($p:_Any!,$q:_Any!){_entities(representations:["
                                        + repeat(
                                                1000,
                                                n -> "{a:" + (n % 2 == 0 ? "$p" : "$q") + " k:\"" + sameHash(n) + "\"}")
                                        + "]){__typename}}",
                                Map.of("p", "x".repeat(900_000), "q", "x".repeat(900_000)))),
                authenticated(
                        "one name with many spaces for a thousand users",
                        4,
                        4,
                        i -> body(
                                "mutation ($u: NewUser!) { createUsers(users: [" + "$u ".repeat(1000)
                                        + "]) { errors { code } } }",
                                Map.of("u", Map.of("email", "a", "name", "x" + " ".repeat(1_900_000))))),
                authenticated(
                        "unpaired surrogates in fifty mutations with keys",
                        4,
                        4,
                        i -> body(
                                        "mutation ($n: String!) { "
                                                + repeat(
                                                        50,
                                                        n -> "a" + n
                                                                + ": createUser(name: $n, email: \"a\", idempotencyKey: \"k"
                                                                + n + "\") { errors { code } }")
                                                + " }",
                                        Map.of("n", "UNPAIRED"))
                                .replace("UNPAIRED", "\\ud800".repeat(300_000))),

                // Addresses
                authenticated(
                        "a long domain",
                        24,
                        12,
                        i -> body(
                                "query ($d: String) { users(orderBy: { field: NAME }, filter: { emailDomain: $d }) { totalCount } }",
                                Map.of("d", LONG_DOMAIN))),
                authenticated(
                        "a hundred long domains",
                        24,
                        12,
                        i -> body(
                                "query ($e: [String!]) { users(filter: { emails: $e }) { totalCount } }",
                                Map.of("e", numbered(100, LONG_DOMAIN)))),
                authenticated("a thousand entities with long domains", 12, 12, i -> entities(LONG_DOMAIN)),
                authenticated("a thousand entities with Punycode", 12, 12, i -> entities(PUNYCODE)),
                authenticated("a thousand new members with Punycode", 12, 12, i -> addMembers(PUNYCODE)),
                authenticated("a thousand new members with long domains", 12, 12, i -> addMembers(LONG_DOMAIN)),
                authenticated(
                        "a thousand new users with long domains",
                        12,
                        12,
                        i -> write("createUsers", 1_000, n -> Map.of("name", "A", "email", n + "@" + LONG_DOMAIN))),
                authenticated(
                        "a thousand new users with Punycode",
                        12,
                        12,
                        i -> write("createUsers", 1_000, n -> Map.of("name", "A", "email", n + "@" + PUNYCODE))),
                authenticated(
                        "a thousand changes of users with Punycode",
                        12,
                        12,
                        i -> write("upsertUsers", 1_000, n -> Map.of("name", "A", "email", n + "@" + PUNYCODE))),

                // Filters and look-ups
                authenticated(
                        "filters by twenty groups that nobody has",
                        24,
                        12,
                        i -> body(
                                "query ($g: [ID!]) { users(filter: { inAnyGroup: $g }) { totalCount } }",
                                Map.of("g", ids("Rw", 20)))),
                authenticated(
                        "times of creation that nobody has",
                        24,
                        12,
                        i -> body(
                                "{ users(orderBy: { field: NAME }, filter: { createdAt: { from: \"9999-01-01T00:00:00Z\""
                                        + " }, active: true }) { totalCount } }")),
                authenticated(
                        "names of groups that nobody has",
                        60,
                        12,
                        i -> body("{ "
                                + repeat(
                                        90,
                                        n -> "a" + n + ": groupByName(name: \"" + "x".repeat(190) + n + "\") { id }")
                                + " }")),
                authenticated(
                        "the viewer under many aliases",
                        60,
                        12,
                        i -> body("{ " + repeat(90, n -> "a" + n + ": viewer { __typename }") + " }")),

                // Writes
                authenticated(
                        "a thousand deletions",
                        12,
                        12,
                        i -> body(
                                "mutation ($ids: [ID!]!) { deleteUsers(ids: $ids) { errors { code } } }",
                                Map.of("ids", ids("VQ", 1_000)))),
                authenticated(
                        "a thousand changes of nobody",
                        12,
                        12,
                        i -> write("updateUsers", 1_000, n -> Map.of("id", id("VQ"), "name", "A"))),
                authenticated(
                        "a thousand users with one address",
                        12,
                        12,
                        i -> write("upsertUsers", 1_000, n -> Map.of("name", "A", "email", "twice@example.com"))),
                authenticated(
                        "different idempotency keys",
                        300,
                        12,
                        i -> body(
                                "mutation ($k: String) { createGroup(name: \"\", idempotencyKey: $k) { errors { code } } }",
                                Map.of("k", UUID.randomUUID() + "x".repeat(150)))),

                // Exports
                new Attack("exports of one subject", target -> {
                    for (int i = 0; i < 40; i++) {
                        target.send(HttpRequest.newBuilder(
                                        URI.create(target.graphQl().toString().replace("/graphql", "/export")))
                                .header("Authorization", "Bearer " + target.token())
                                .method(i % 4 == 0 ? "GET" : "HEAD", HttpRequest.BodyPublishers.noBody()));
                    }
                }));
    }

    private static void replayNothing(Target target) throws Exception {
        String oldest = target.service()
                .post("{ directoryEvents(first: 1) { edges { cursor } } }", Map.of())
                .at("/data/directoryEvents/edges/0/cursor")
                .asString();
        target.holdStreams(
                16,
                body(
                        "subscription ($a: String!) { directoryEvents(after: $a, types: [GROUP_DELETED]) { cursor } }",
                        Map.of("a", oldest)));
    }

    /** One of 1,024 texts with the same hash. */
    private static String sameHash(int n) {
        return IntStream.range(0, 10)
                .mapToObj(bit -> (n >> bit & 1) == 0 ? "Aa" : "BB")
                .collect(Collectors.joining());
    }

    private static String since(int aliases) {
        return body(
                "query ($s: DateTime) { "
                        + repeat(aliases, n -> "a" + n + ": directoryEvents(first: 0, since: $s) { __typename }")
                        + " }",
                Map.of("s", Instant.now().toString()));
    }

    private static String entities(String domain) {
        return body(
                "query ($r: [_Any!]!) { _entities(representations: $r) { __typename } }",
                Map.of(
                        "r",
                        numbered(1_000, domain).stream()
                                .map(email -> Map.of("__typename", "User", "email", email))
                                .toList()));
    }

    private static String addMembers(String domain) {
        return body(
                "mutation ($g: ID!, $e: [String!]!) { addGroupMembers(groupId: $g, emails: $e) { errors { code } } }",
                Map.of("g", id("Rw"), "e", numbered(1_000, domain)));
    }

    private static String write(String mutation, int users, IntFunction<Map<String, ?>> user) {
        String type = mutation.equals("updateUsers") ? "UserChange" : "NewUser";
        return body(
                "mutation ($u: [" + type + "!]!) { " + mutation + "(users: $u) { errors { code } } }",
                Map.of("u", IntStream.range(0, users).mapToObj(user).toList()));
    }

    /** Addresses of at most 254 characters. */
    private static List<String> numbered(int count, String domain) {
        return IntStream.range(0, count).mapToObj(n -> n + "@" + domain).toList();
    }

    private static List<String> ids(String type, int count) {
        return Collections.nCopies(count, type).stream().map(FeatureAttacks::id).toList();
    }

    /** An ID that nobody has. The type is the base64 of its letter. */
    private static String id(String type) {
        UUID uuid = UUID.randomUUID();
        return Base64.getUrlEncoder()
                .withoutPadding()
                .encodeToString(ByteBuffer.allocate(17)
                        .put(Base64.getUrlDecoder().decode(type)[0])
                        .putLong(uuid.getMostSignificantBits())
                        .putLong(uuid.getLeastSignificantBits())
                        .array());
    }

    private static String repeat(int times, IntFunction<String> part) {
        return IntStream.range(0, times).mapToObj(part).collect(Collectors.joining(" "));
    }
}
