package dev.userdirectory.contract;

import static org.assertj.core.api.Assertions.assertThat;

import com.netflix.graphql.dgs.internal.DefaultDgsGraphQLContextBuilder;
import com.netflix.graphql.dgs.internal.DgsDataLoaderProvider;
import dev.userdirectory.Client;
import dev.userdirectory.Directory;
import dev.userdirectory.DirectoryTest;
import dev.userdirectory.Tokens;
import dev.userdirectory.contract.RandomRequest.Request;
import graphql.language.Argument;
import graphql.language.AstPrinter;
import graphql.language.AstTransformer;
import graphql.language.Definition;
import graphql.language.Directive;
import graphql.language.Document;
import graphql.language.Node;
import graphql.language.NodeVisitorStub;
import graphql.language.ObjectField;
import graphql.language.Selection;
import graphql.language.VariableDefinition;
import graphql.parser.Parser;
import graphql.util.TraversalControl;
import graphql.util.TraverserContext;
import graphql.util.TreeTransformerUtil;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Date;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.graphql.execution.GraphQlSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Random requests get the same responses as from graphql-java alone: the same data in the same order, and errors with
 * the same paths and codes, except for the {@link KnownDifference}s. The seed is in the log, and
 * {@code -Ddirectory.test.seed} sets it; {@code -Ddirectory.test.documents} sets the number of documents.
 */
@DirectoryTest
class DifferentialTest {
    private static final Logger log = LoggerFactory.getLogger(DifferentialTest.class);
    private static final JsonMapper JSON = JsonMapper.shared();
    private static final int DOCUMENTS = Integer.getInteger("directory.test.documents", 1000);
    private static final int SHOWN = 5;
    private static final int ATTEMPTS_TO_SHRINK = 500;

    /** A fixed seed, so that a build does not fail by chance. */
    private final long seed = Long.getLong("directory.test.seed", 20261129);

    private final Random random = new Random(seed);
    private final String domain = "d" + Long.toString(seed & Long.MAX_VALUE, 36) + ".example";
    private final Map<String, Integer> kinds = new TreeMap<>();
    private final Map<String, List<Object>> values = new HashMap<>();
    private final Map<String, Client> clients = new HashMap<>();

    @Autowired
    Client client;

    @Autowired
    Directory directory;

    @Autowired
    GraphQlSource source;

    @Autowired
    DefaultDgsGraphQLContextBuilder contexts;

    @Autowired
    DgsDataLoaderProvider dataLoaders;

    private PlainGraphQl plain;
    private String changed;
    private String small;
    private JsonNode initial;

    /** Where this service deliberately differs from graphql-java. */
    private enum KnownDifference {
        /**
         * graphql-java fails on such a variable in the middle of the operation, in various ways, or passes the null to
         * the data fetcher. The service rejects it before anything is executed.
         */
        NULL_VARIABLE_WHERE_NULL_IS_NOT_ALLOWED {
            @Override
            boolean explains(Request request, JsonNode ours, JsonNode plain) {
                return ours.path("data").isNull()
                        && only(ours, "BAD_USER_INPUT")
                        && message(ours).contains("must not be null, and variable")
                        && (request.variables().containsValue(null)
                                || request.document().contains("= null"));
            }
        },
        /** graphql-java turns any variable of type ID into a string. GraphQL 3.5.5 allows only strings and integers. */
        VARIABLE_THAT_IS_NO_ID {
            @Override
            boolean explains(Request request, JsonNode ours, JsonNode plain) {
                return !ours.has("data")
                        && only(ours, "BAD_USER_INPUT")
                        && message(ours).contains("an ID is expected");
            }
        },
        /** graphql-java's introspection fails on this null, which the schema allows. */
        INCLUDE_DEPRECATED_IS_NULL {
            @Override
            boolean explains(Request request, JsonNode ours, JsonNode plain) {
                return !ours.has("errors")
                        && request.document().contains("includeDeprecated")
                        && plain.path("errors")
                                .valueStream()
                                .anyMatch(error -> code(error).equals("INTERNAL_SERVER_ERROR"));
            }
        },
        /** graphql-java does not limit cost, depth and so on. */
        LIMIT {
            @Override
            boolean explains(Request request, JsonNode ours, JsonNode plain) {
                return !ours.has("data")
                        && ours.path("errors")
                                .valueStream()
                                .map(KnownDifference::code)
                                .allMatch(code -> code.startsWith("MAX_")
                                        || code.equals("COST_ESTIMATED_TOO_EXPENSIVE")
                                        || code.equals("INTROSPECTION_LIMIT_EXCEEDED"));
            }
        },
        /** graphql-java allows some conditions and fails on others. The service rejects them all (GraphQL 5.2.4.1). */
        CONDITION_AT_THE_ROOT_OF_A_SUBSCRIPTION {
            @Override
            boolean explains(Request request, JsonNode ours, JsonNode plain) {
                return !ours.has("data")
                        && only(ours, "GRAPHQL_VALIDATION_FAILED")
                        && message(ours).startsWith("The root field of a subscription must not be skipped");
            }
        },
        /** Without a source stream, the response is a request error without data (GraphQL 6.2.3), and not null data. */
        NO_SOURCE_STREAM {
            @Override
            boolean explains(Request request, JsonNode ours, JsonNode plain) {
                return !ours.has("data")
                        && request.document().contains("subscription")
                        && plain.path("data").isNull()
                        && errors(ours).equals(errors(plain));
            }
        },
        /** There is no stream in JSON. */
        SUBSCRIPTION_BY_POST {
            @Override
            boolean explains(Request request, JsonNode ours, JsonNode plain) {
                return !ours.has("data")
                        && ours.path("errors").size() == 1
                        && plain.path("data").asString("").equals("a stream");
            }
        };

        abstract boolean explains(Request request, JsonNode ours, JsonNode plain);

        private static boolean only(JsonNode answer, String code) {
            return answer.path("errors").size() == 1
                    && code(answer.at("/errors/0")).equals(code);
        }

        private static String message(JsonNode answer) {
            return answer.at("/errors/0/message").asString();
        }

        private static String code(JsonNode error) {
            return error.at("/extensions/code").asString("none");
        }
    }

    @BeforeEach
    void fill() {
        plain = new PlainGraphQl(source, contexts, dataLoaders);
        List<String> users = new ArrayList<>();
        List<String> emails = new ArrayList<>();
        for (int i = 0; i < 6; i++) {
            emails.add("user" + i + "@" + domain);
            users.add(createUser("User " + i, emails.getLast()));
        }
        changed = createUser("Changed", "changed@" + domain);
        String full = directory.createGroup("Full", users);
        small = directory.createGroup("Small", users.subList(0, 2));
        String empty = directory.createGroup("Empty", List.of());
        List<Object> someUsers = List.of(users.get(0), users.get(1), users.get(2), changed);
        List<Object> noIds = List.of("no ID", "", 4, "AAAAAAAAAAAAAAAAAAAAAAA");
        initial = state();
        JsonNode cursors = client.data("""
                query ($small: ID!) {
                  users(first: 3) { edges { cursor } }
                  groups(first: 2) { edges { cursor } }
                  group(id: $small) { members { edges { cursor } } }
                  userEvents(first: 3) { edges { cursor } }
                }""", Map.of("small", small));
        List<Object> ids = concat(someUsers, List.of(full, small, empty), noIds.subList(0, 1));

        values.put("Boolean", List.of(true, false));
        values.put("ID", ids);
        values.put("String", List.of("User", "", "nobody"));
        values.put("Int", List.of(0, 1, 2, 3));
        values.put("_Any", representations(someUsers, emails, full));
        values.put("DateTime", List.of("2026-01-01T00:00:00Z", "2100-01-01T00:00:00Z", "no time"));
        for (String list : List.of(
                "Query.users",
                "Query.groups",
                "Query.userEvents",
                "Query.directoryEvents",
                "User.groups",
                "User.history",
                "Group.members",
                "Group.history")) {
            List<Object> sizes = List.of(0, 1, 2, 3, 3, 5, 20, 101, -1);
            List<Object> places = new ArrayList<>(List.of("no cursor"));
            cursors.findValuesAsString("cursor").forEach(places::add);
            values.put(list + ".first", sizes);
            values.put(list + ".last", sizes.subList(0, 5));
            values.put(list + ".after", places);
            values.put(list + ".before", places);
        }
        values.put("Query.user.id", concat(someUsers, someUsers, ids));
        values.put("Query.group.id", concat(List.of(full, small, empty), ids));
        values.put("Query.userByEmail.email", concat(List.of("USER1@" + domain, "nobody@" + domain, ""), emails));
        values.put("Query.groups.search", List.of("full", "", "%", "no group has this name"));
        values.put("Query.groupByName.name", List.of("full", " Full ", "nobody", "x".repeat(201)));
        values.put("Query.__type.name", List.of("User", "Node", "_Entity", "UserOrder", "UserFilter", "ID", "Unknown"));
        values.put("UserFilter.search", List.of("user", domain, "", "%", "nobody has this name"));
        values.put("UserFilter.emails", concat(List.of("USER1@" + domain, "nobody@" + domain, "\u0007"), emails));
        values.put("UserFilter.emailDomain", List.of(domain, domain, "example.com", "", "@" + domain));
        for (String condition : List.of("groupId", "inAnyGroup", "inAllGroups", "inNoneOfGroups")) {
            values.put("UserFilter." + condition, List.of(full, small, empty, users.get(0), "no ID"));
        }

        List<Object> newNames = List.of("New", " New ", "", "\u0007", "x".repeat(201), "𠮷田");
        List<Object> newEmails =
                List.of("new1@" + domain, "new2@" + domain, "new3@" + domain, emails.get(0), "no address", "");
        for (String key : List.of("Mutation.createUser", "Mutation.updateUser", "NewUser", "UserChange")) {
            values.put(key + ".name", newNames);
            values.put(key + ".email", newEmails);
        }
        for (String key : List.of("Mutation.createGroup", "Mutation.updateGroup")) {
            values.put(key + ".name", newNames);
            values.put(key + ".description", List.of("New", "", "two\nlines", "\u0007"));
        }
        // Each mutation is executed twice with the same result, so no deletion succeeds and no version matches.
        for (String input : List.of(
                "Mutation.updateUser",
                "Mutation.deleteUser",
                "UserChange",
                "Mutation.updateGroup",
                "Mutation.deleteGroup")) {
            values.put(input + ".ifVersion", List.of(0, -1, 99));
        }
        // The second execution would return the outcome of the first.
        plain.schema()
                .getMutationType()
                .getFieldDefinitions()
                .forEach(field ->
                        values.put("Mutation." + field.getName() + ".idempotencyKey", List.of("", "x".repeat(201))));
        values.put("UserChange.id", concat(List.of(changed, changed, changed, full), noIds));
        values.put("Mutation.deleteUsers.ids", concat(List.of(full), noIds));
        values.put("Mutation.updateUser.id", concat(List.of(changed, changed, changed, full), noIds));
        values.put("Mutation.deleteUser.id", concat(List.of(full), noIds));
        values.put("Mutation.updateGroup.id", concat(List.of(small, small, small, changed), noIds));
        values.put("Mutation.deleteGroup.id", concat(List.of(changed), noIds));
        values.put("Mutation.addGroupMembers.groupId", concat(List.of(full, full, full), noIds));
        values.put(
                "Mutation.addGroupMembers.userIds", concat(List.of(users.get(0), users.get(1), users.get(2)), noIds));
        values.put("Mutation.removeGroupMembers.groupId", concat(List.of(empty, empty, empty), noIds));
        values.put("Mutation.removeGroupMembers.userIds", ids);
    }

    private static List<Object> representations(List<Object> users, List<String> emails, String group) {
        return List.of(
                Map.of("__typename", "User", "id", users.get(0)),
                Map.of("__typename", "User", "id", users.get(1)),
                Map.of("__typename", "User", "email", emails.get(2)),
                Map.of("__typename", "Group", "id", group),
                Map.of("__typename", "User", "id", group),
                Map.of("__typename", "User", "id", "no ID"),
                Map.of("__typename", "User"),
                Map.of("__typename", "Unknown", "id", "x"),
                Map.of(),
                "no object");
    }

    @SafeVarargs
    private static List<Object> concat(List<?>... lists) {
        return Arrays.stream(lists).<Object>flatMap(List::stream).toList();
    }

    private String createUser(String name, String email) {
        return client.data(
                        "mutation ($name: String!, $email: String!) {"
                                + " createUser(name: $name, email: $email) { user { id } } }",
                        Map.of("name", name, "email", email))
                .at("/createUser/user/id")
                .asString();
    }

    @Test
    void answersAsGraphQlJavaDoes() {
        log.info("-Ddirectory.test.seed={} repeats these requests", seed);
        long started = System.nanoTime();
        List<String> differences = new ArrayList<>();
        for (int i = 0; i < DOCUMENTS && differences.size() < SHOWN; i++) {
            for (Request request : RandomRequest.next(random, plain.schema(), values)) {
                String difference = difference(request, true);
                if (difference != null) {
                    Request smallest = shrink(request);
                    differences.add(smallest + "\n" + difference(smallest, false) + "\nfound as " + request + "\n"
                            + difference);
                    break;
                }
            }
        }
        log.info(
                "{} in {} ms",
                kinds,
                Duration.ofNanos(System.nanoTime() - started).toMillis());
        assertThat(differences).as("-Ddirectory.test.seed=" + seed).isEmpty();
        // Rejected requests alone would prove little.
        int requests = kinds.values().stream().mapToInt(Integer::intValue).sum();
        assertThat(kinds.get("OK")).isGreaterThan(requests / 4);
    }

    private @Nullable String difference(Request request, boolean count) {
        String difference = differenceNow(request, count);
        // The feed holds events back until all earlier transactions have ended, which may happen between the two reads.
        return difference != null && showsFeed(request) ? differenceNow(request, false) : difference;
    }

    private static boolean showsFeed(Request request) {
        return Stream.of("userEvents", "directoryEvents", "history").anyMatch(request.document()::contains);
    }

    private @Nullable String differenceNow(Request request, boolean count) {
        String body = answer(request);
        JsonNode ours = JSON.readTree(body);
        undoMutation(request);
        JsonNode expected = plain.execute(request);
        undoMutation(request);
        String difference = compared(ours, request).equals(compared(expected, request))
                ? cachedDifference(request, body)
                : compared(ours, request) + "\ninstead of\n" + expected;
        String kind = difference == null ? kind(ours) : "unknown difference";
        if (difference != null) {
            for (KnownDifference known : KnownDifference.values()) {
                if (known.explains(request, ours, expected)) {
                    kind = known.name();
                    difference = null;
                }
            }
        }
        if (count) {
            kinds.merge(kind, 1, Integer::sum);
        }
        return difference;
    }

    private String answer(Request request) {
        return clients.computeIfAbsent(
                        request.scopes(),
                        scopes -> client.withToken(Tokens.sign(Tokens.claims()
                                .expirationTime(Date.from(PlainGraphQl.EXPIRY))
                                .claim("scope", scopes)
                                .build())))
                .post(request.body())
                .body();
    }

    /** Sends the query again, which the response cache must answer with the same bytes. */
    private @Nullable String cachedDifference(Request request, String first) {
        if (request.document().contains("mutation") || showsFeed(request)) {
            return null;
        }
        String second = answer(request);
        return second.equals(first) || first.contains("INTERNAL_SERVER_ERROR")
                ? null
                : "at first " + first + "\nthen " + second;
    }

    /** Applies to errors as well, since a root field may have been executed before another one failed. */
    private void undoMutation(Request request) {
        if (!request.document().contains("mutation")) {
            return;
        }
        JsonNode now = state();
        if (now.equals(initial)) {
            return;
        }
        for (JsonNode user : now.at("/users/nodes")) {
            if (user.get("email").asString().startsWith("new")
                    && !user.get("id").asString().equals(changed)) {
                client.data(
                        "mutation ($id: ID!) { deleteUser(id: $id) { errors { code } } }",
                        Map.of("id", user.get("id").asString()));
            }
        }
        client.data(
                """
                mutation ($user: ID!, $email: String!, $upserted: String!, $group: ID!) {
                  updateUser(id: $user, name: "Changed", email: $email, active: true) { errors { code } }
                  upsertUsers(users: [{name: "User 0", email: $upserted, active: true}]) { errors { code } }
                  updateGroup(id: $group, name: "Small", description: null) { errors { code } }
                }""",
                Map.of("user", changed, "email", "changed@" + domain, "upserted", "user0@" + domain, "group", small));
        assertThat(state()).as("after " + request).isEqualTo(initial);
    }

    /** The whole state that one mutation can change and a later one can read. */
    private JsonNode state() {
        return client.data("""
                query ($domain: String!, $group: ID!) {
                  users(filter: {search: $domain}, first: 100) { nodes { id name email active } }
                  group(id: $group) { name description }
                }""", Map.of("domain", "@" + domain, "group", small));
    }

    private static String kind(JsonNode answer) {
        String code = answer.at("/errors/0/extensions/code").asString("OK");
        return code + (answer.path("data").isNull() ? " without data" : answer.has("data") ? "" : " of the request");
    }

    /** Compares text, which also shows the order of fields. */
    private static String compared(JsonNode answer, Request request) {
        String text = "data " + answer.path("data") + ", errors " + errors(answer);
        // The two executions of a mutation have different events, users and times.
        return request.document().contains("mutation") && showsFeed(request)
                ? text.replaceAll("\"([\\w-]{22,}|\\d{4}-\\d\\d-\\d\\dT[^\"]*)\"", "\"…\"")
                : text;
    }

    private static List<String> errors(JsonNode answer) {
        return answer.path("errors")
                .valueStream()
                .map(error -> error.at("/extensions/code").asString("none") + " at " + error.path("path"))
                .sorted()
                .toList();
    }

    /** Removes parts of the request, one after the other, as long as the responses differ. */
    private Request shrink(Request request) {
        Request smallest = request;
        for (int attempts = 0, n = 0; attempts < ATTEMPTS_TO_SHRINK; attempts++) {
            Request smaller = without(n, smallest);
            if (smaller == null) {
                break;
            }
            if (!smaller.document().isEmpty() && difference(smaller, false) != null) {
                smallest = smaller;
            } else {
                n++;
            }
        }
        return smallest;
    }

    /** The request without its n-th variable or, after these, part of the document; null if there is none. */
    private static @Nullable Request without(int n, Request request) {
        List<String> names = List.copyOf(request.variables().keySet());
        Map<String, @Nullable Object> variables = new HashMap<>(request.variables());
        String document = request.document();
        if (n < names.size()) {
            variables.remove(names.get(n));
        } else {
            document = without(n - names.size(), document);
        }
        return document == null ? null : new Request(document, variables, request.operationName(), request.scopes());
    }

    /** The document without its n-th removable part; null if there is none, empty if the rest is no document. */
    private static @Nullable String without(int n, String document) {
        AtomicInteger left = new AtomicInteger(n);
        try {
            Document parsed = Parser.parse(document);
            Node<?> rest = new AstTransformer().transform(parsed, new NodeVisitorStub() {
                @Override
                protected TraversalControl visitNode(Node node, TraverserContext<Node> context) {
                    boolean optional = node instanceof Selection
                            || node instanceof Argument
                            || node instanceof Directive
                            || node instanceof Definition
                            || node instanceof ObjectField
                            || node instanceof VariableDefinition;
                    return optional && left.getAndDecrement() == 0
                            ? TreeTransformerUtil.deleteNode(context)
                            : TraversalControl.CONTINUE;
                }
            });
            return left.get() >= 0 ? null : AstPrinter.printAstCompact(rest);
        } catch (RuntimeException | AssertionError e) {
            return left.get() >= 0 ? null : "";
        }
    }
}
