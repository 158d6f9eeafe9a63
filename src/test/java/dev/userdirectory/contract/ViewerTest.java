package dev.userdirectory.contract;

import static dev.userdirectory.Directory.newEmail;
import static dev.userdirectory.Directory.refusals;
import static org.assertj.core.api.Assertions.assertThat;

import com.nimbusds.jwt.JWTClaimsSet;
import dev.userdirectory.Client;
import dev.userdirectory.Directory;
import dev.userdirectory.DirectoryTest;
import dev.userdirectory.TestPostgres.Statements;
import dev.userdirectory.Tokens;
import dev.userdirectory.subscription.SocketClient;
import java.net.URLEncoder;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Date;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.beans.factory.annotation.Autowired;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** {@code viewer} and {@code updateViewer}: the caller, and the user that the caller's token belongs to. */
@DirectoryTest
class ViewerTest {
    private static final String VIEWER = "{ viewer { subject scopes expiresAt user { id name email version } } }";
    private static final String UPDATE = """
            mutation ($name: String!, $ifVersion: Int) {
              updateViewer(name: $name, ifVersion: $ifVersion) {
                user { id name version } errors { path code message }
              }
            }""";

    @Autowired
    Client client;

    @Autowired
    Directory directory;

    @Autowired
    Statements statements;

    private final String email = newEmail();

    @Test
    void showsTheTokenAndItsUser() {
        String id = createUser(email);
        Instant end = Instant.parse("2035-01-02T03:04:05Z");
        String token = Tokens.sign(verified(email.toUpperCase(Locale.ROOT))
                .expirationTime(Date.from(end))
                .claim("scope", "users:self openid")
                .build());

        statements.clear();
        JsonNode viewer = client.withToken(token).data(VIEWER).get("viewer");

        assertThat(statements.executed()).hasSize(1);
        assertThat(viewer.get("subject").asString()).isEqualTo("me of " + email);
        assertThat(viewer.get("scopes").values().stream().map(JsonNode::asString))
                .containsExactly("openid", "users:self");
        assertThat(Instant.parse(viewer.get("expiresAt").asString())).isEqualTo(end);
        assertThat(viewer.at("/user/id").asString()).isEqualTo(id);
        assertThat(viewer.at("/user/email").asString()).isEqualTo(email);
    }

    /** It takes two statements: graphql-java does not wait for a second parent if the first is available at once. */
    @Test
    void readsTheUserInTwoStatementsWhateverTheAliases() {
        createUser(email);
        statements.clear();

        JsonNode data = me("users:self")
                .data(IntStream.range(0, 20)
                        .mapToObj(i -> "a" + i + ": viewer { user { email } }")
                        .collect(Collectors.joining(" ", "{ ", " }")));

        assertThat(data.findValuesAsString("email")).hasSize(20).containsOnly(email);
        assertThat(statements.executed()).hasSizeLessThanOrEqualTo(2);
    }

    @Test
    void readsNothingForTheTokenAlone() {
        statements.clear();

        JsonNode viewer = client.withToken(Tokens.sign(
                        Tokens.claims().subject(null).claim("scp", List.of()).build()))
                .data("{ viewer { subject scopes expiresAt } }")
                .get("viewer");

        assertThat(viewer.get("subject").isNull()).isTrue();
        assertThat(viewer.get("scopes")).isEmpty();
        assertThat(statements.executed()).isEmpty();
    }

    @Test
    void requiresAToken() {
        JsonNode error = client.anonymous().error("{ viewer { subject } }", Map.of());

        assertThat(error.at("/extensions/code").asString()).isEqualTo("UNAUTHENTICATED");
        assertThat(error.get("path")).hasToString("[\"viewer\"]");
    }

    @ParameterizedTest
    @ValueSource(strings = {"users:self", "users:read", "users:write", "users:write openid"})
    void showsTheUserToEachOfTheseScopes(String scopes) {
        createUser(email);

        assertThat(me(scopes).data(VIEWER).at("/viewer/user/email").asString()).isEqualTo(email);
    }

    @Test
    void showsATokenWithOtherScopesItsClaimsAlone() {
        createUser(email);

        JsonNode response = me("openid users:selfish").execute(VIEWER, Map.of());

        assertThat(response.at("/data/viewer/subject").asString()).isEqualTo("me of " + email);
        assertThat(response.at("/data/viewer/user").isNull()).isTrue();
        assertThat(response.at("/errors/0/path")).hasToString("[\"viewer\",\"user\"]");
        assertThat(response.at("/errors/0/extensions/requiredScopes"))
                .hasToString("[[\"users:read\"],[\"users:write\"],[\"users:self\"]]");
    }

    @ParameterizedTest
    @CsvSource(
            nullValues = "absent",
            value = {"absent", "false", "'\"true\"'", "1", "null", "[true]"})
    void ignoresAnAddressThatIsNotVerified(@Nullable String verified) {
        createUser(email);
        Client me = client.withToken(Tokens.sign(Tokens.claims()
                .claim("scope", "users:self")
                .claim("email", email)
                .claim(
                        "email_verified",
                        verified == null ? null : JsonMapper.shared().readValue(verified, Object.class))
                .build()));

        statements.clear();
        assertThat(me.data(VIEWER).at("/viewer/user").isNull()).isTrue();
        assertThat(statements.executed()).isEmpty();
        assertThat(update(me, "Eve").at("/errors/0/message").asString())
                .isEqualTo("This token has no verified e-mail address in its claim `email`.");
        assertThat(directory.user(id(email)).get("version").asInt()).isZero();
    }

    /** The directory stores only one of the addresses that look alike, but issuers may give them to several people. */
    @ParameterizedTest
    @CsvSource({"s%s, ſ%s", "i%s, İ%s", "k%s, \u212a%s"})
    void ignoresAnAddressThatOnlyReadsAlike(String stored, String given) {
        createUser(stored.formatted(email));
        Client me = client.withToken(Tokens.sign(verified(given.formatted(email))
                .claim("scope", "users:self users:read")
                .build()));

        assertThat(me.data(VIEWER).at("/viewer/user").isNull()).isTrue();
        assertThat(refusals(update(me, "Eve"))).containsExactly(" NOT_FOUND");
    }

    static Stream<Object> noAddresses() {
        return Stream.of(
                "",
                "nobody",
                "a\u0000@example.com",
                "a".repeat(5000) + "@example.com",
                List.of("x@example.com"),
                1,
                true);
    }

    @ParameterizedTest
    @MethodSource("noAddresses")
    void ignoresAClaimThatIsNoAddress(Object claim) {
        Client me = client.withToken(Tokens.sign(Tokens.claims()
                .claim("scope", "users:self")
                .claim("email", claim)
                .claim("email_verified", true)
                .build()));

        statements.clear();
        assertThat(me.data(VIEWER).at("/viewer/user").isNull()).isTrue();
        assertThat(statements.executed()).isEmpty();
    }

    /** Tokens with the same subject and scopes may still have different addresses and expiries. */
    @Test
    void answersEachTokenForItself() {
        String other = newEmail();
        createUser(email);
        createUser(other);
        String query = """
                query ($viewer: Boolean!) {
                  viewer @include(if: $viewer) { user { email } } users(first: 1) { nodes { id } }
                }""";
        List<String> emails = List.of(email, other);
        List<Client> clients = emails.stream()
                .map(each -> client.withToken(Tokens.sign(verified(each)
                        .subject("one subject")
                        .claim("scope", "users:read")
                        .build())))
                .toList();
        // Without the viewer, the response may be cached for everybody.
        assertThat(clients.getFirst()
                        .post(query, Map.of("viewer", false))
                        .headers()
                        .firstValue("Cache-Control"))
                .contains("max-age=30, private");
        for (int i = 0; i < 10; i++) {
            Client me = clients.get(i % 2);
            String parameters = "?query=" + URLEncoder.encode(query, StandardCharsets.UTF_8) + "&variables="
                    + URLEncoder.encode("{\"viewer\":true}", StandardCharsets.UTF_8);
            for (HttpResponse<String> response : List.of(
                    me.post(query, Map.of("viewer", true)),
                    me.send(HttpRequest.newBuilder(client.uri("/graphql" + parameters))
                            .build()))) {
                assertThat(response.body()).contains(emails.get(i % 2)).doesNotContain(emails.get(1 - i % 2));
                assertThat(response.headers().firstValue("Cache-Control")).contains("no-store");
            }
        }
    }

    @Test
    void changesTheNameOfTheCaller() {
        String id = createUser(email);
        String bystander = directory.createUser();

        statements.clear();
        JsonNode payload = update(me("users:self"), " Alicia ");

        // The actor, the locked user, the change.
        assertThat(statements.executed()).hasSize(3);
        assertThat(refusals(payload)).isEmpty();
        assertThat(payload.at("/user/id").asString()).isEqualTo(id);
        assertThat(payload.at("/user/name").asString()).isEqualTo("Alicia");
        assertThat(payload.at("/user/version").asInt()).isEqualTo(1);
        assertThat(directory.user(id).get("name").asString()).isEqualTo("Alicia");
        assertThat(directory.user(bystander).get("version").asInt()).isZero();
        assertThat(me("users:self").data(VIEWER).at("/viewer/user/name").asString())
                .isEqualTo("Alicia");
    }

    @Test
    void recordsWhoMadeTheChange() {
        String id = createUser(email);
        update(me("users:self"), "Alicia");

        JsonNode event = client.data("""
                        query ($id: ID!) {
                          user(id: $id) { history { nodes { __typename actor { subject } ... on UserUpdated { changed } } } }
                        }""", Map.of("id", id)).at("/user/history/nodes/1");

        assertThat(event.get("__typename").asString()).isEqualTo("UserUpdated");
        assertThat(event.at("/actor/subject").asString()).isEqualTo("me of " + email);
        assertThat(event.get("changed")).hasToString("[\"NAME\"]");
    }

    @Test
    void storesNothingIfTheNameIsTheSame() {
        String id = createUser(email);

        assertThat(update(me("users:self"), "Me").at("/user/version").asInt()).isZero();
        assertThat(directory.user(id).get("version").asInt()).isZero();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '\0', textBlock = """
            name: ""                   | name INVALID
            name: "A", ifVersion: null | ifVersion INVALID
            name: "A", ifVersion: 7    | ifVersion STALE
            name: " ", ifVersion: -1   | name INVALID, ifVersion STALE
            """)
    void reportsAllProblems(String arguments, String refusals) {
        createUser(email);
        Object before = directory.digest();

        JsonNode payload = me("users:self")
                .data("mutation { updateViewer(" + arguments + ") { user { id } errors { path code message } } }")
                .get("updateViewer");

        assertThat(refusals(payload)).containsExactlyInAnyOrder(refusals.split(", "));
        assertThat(payload.get("user").isNull()).isTrue();
        assertThat(directory.digest()).isEqualTo(before);
    }

    @Test
    void reportsATokenThatBelongsToNoUser() {
        JsonNode payload = update(me("users:self"), "");

        assertThat(refusals(payload)).containsExactlyInAnyOrder(" NOT_FOUND", "name INVALID");
        assertThat(payload.get("errors").findValuesAsString("message"))
                .contains("No user has the e-mail address of this token.");
    }

    @ParameterizedTest
    @ValueSource(strings = {"users:read users:write", "openid"})
    void updateViewerRequiresItsOwnScope(String scopes) {
        String id = createUser(email);
        statements.clear();

        JsonNode error = me(scopes).error(UPDATE, Map.of("name", "Eve"));

        assertThat(statements.executed()).isEmpty();
        assertThat(error.at("/extensions/requiredScopes")).hasToString("[[\"users:self\"]]");
        assertThat(directory.user(id).get("version").asInt()).isZero();
    }

    @Test
    void servesTheTokenOfASocket() {
        String id = createUser(email);
        try (SocketClient socket = SocketClient.connect(client.uri("/graphql"), token("users:self"))) {
            socket.subscribe("1", UPDATE, Map.of("name", "Alicia", "ifVersion", 0));
            assertThat(socket.expect("next")
                            .at("/payload/data/updateViewer/user/id")
                            .asString())
                    .isEqualTo(id);
            socket.expect("complete");
            socket.subscribe("2", VIEWER, Map.of());
            JsonNode viewer = socket.expect("next").at("/payload/data/viewer");
            assertThat(viewer.get("subject").asString()).isEqualTo("me of " + email);
            assertThat(viewer.at("/user/name").asString()).isEqualTo("Alicia");
        }
    }

    @Test
    void costsAsMuchAsOtherObjectsAndMutations() {
        createUser(email);

        assertThat(cost("{ viewer { subject scopes } }")).isEqualTo(1);
        assertThat(cost(VIEWER)).isEqualTo(2);
        assertThat(cost("mutation { updateViewer(name: \"Me\") { user { id } errors { code } } }"))
                .isEqualTo(cost("mutation { updateUser(id: \"x\", name: \"Me\") { user { id } errors { code } } }"));
    }

    /** With {@code users:self} alone, only {@code viewer} leads to a user, and only to the caller's own. */
    @Test
    void usersSelfGivesAccessToNobodyElse() {
        String own = createUser(email);
        List<String> others = directory.createUsers(1);
        String group = directory.createGroup("Team", List.of(own, others.getFirst()));
        Client self = me("users:self");
        Object before = directory.digest();
        for (String id : List.of(own, others.getFirst())) {
            String address = directory.user(id).get("email").asString();
            for (String operation : List.of(
                    "{ node(id: ID) { id __typename } }",
                    "{ nodes(ids: [ID]) { id } }",
                    "{ user(id: ID) { id } }",
                    "{ userByEmail(email: EMAIL) { id } }",
                    "{ users(first: 100) { nodes { id } totalCount } }",
                    "{ group(id: GROUP) { members { nodes { id } } } }",
                    "{ node(id: GROUP) { ... on Group { members { nodes { id } } } } }",
                    "{ groups(first: 100) { nodes { members { nodes { id } } } } }",
                    "{ _entities(representations: [{__typename: \"User\", id: ID}]) { __typename } }",
                    "{ _entities(representations: [{__typename: \"User\", email: EMAIL}]) { ... on User { id } } }",
                    "{ _entities(representations: [{__typename: \"Group\", id: GROUP}]) { ... on Group { id } } }",
                    "{ userEvents { nodes { user { id } } } }",
                    "{ directoryEvents(userId: ID) { nodes { ... on UserCreated { user { id } } } } }",
                    "{ viewer { user { groups { nodes { id } } } } }",
                    "{ viewer { user { history { nodes { cursor } } } } }",
                    "mutation { createUser(name: \"Eve\", email: \"eve@example.com\") { user { id } } }",
                    "mutation { updateUser(id: ID, name: \"Eve\") { user { id } } }",
                    "mutation { deleteUser(id: ID) { deletedUserId } }",
                    "mutation { removeGroupMembers(groupId: GROUP, userIds: [ID]) { group { id } } }")) {
                JsonNode response = self.execute(
                        operation
                                .replace("ID", "\"" + id + "\"")
                                .replace("EMAIL", "\"" + address + "\"")
                                .replace("GROUP", "\"" + group + "\""),
                        Map.of());
                assertThat(response.path("errors").findValuesAsString("code"))
                        .as(operation)
                        .containsExactly("FORBIDDEN");
                assertThat(response.path("data").findValues("id")).as(operation).isEmpty();
            }
        }
        assertThat(directory.digest()).isEqualTo(before);
    }

    private JWTClaimsSet.Builder verified(String address) {
        return Tokens.claims().subject("me of " + email).claim("email", address).claim("email_verified", true);
    }

    @Test
    void conflictShowsTheCallersUserAndARetryChangesNothing() {
        String id = createUser(email);
        JsonNode stale = me("users:self")
                .data("mutation { updateViewer(name: \"A\", ifVersion: 7) {"
                        + " errors { code current { ... on User { name } } } } }")
                .get("updateViewer");
        assertThat(stale.at("/errors/0/current/name").asString())
                .isEqualTo(directory.user(id).get("name").asString());

        String retried = "mutation { updateViewer(name: \"Retried\", idempotencyKey: \"" + email
                + "\") { user { name version } errors { code } } }";
        JsonNode first = me("users:self").data(retried);
        assertThat(first.at("/updateViewer/user/name").asString()).isEqualTo("Retried");
        assertThat(me("users:self").data(retried)).isEqualTo(first);
        assertThat(directory.user(id).get("version")).isEqualTo(first.at("/updateViewer/user/version"));
    }

    /** Keys belong to the subject, whose other tokens may have other scopes, and no address. */
    @ParameterizedTest
    @ValueSource(strings = {"createUser(name: \"X\", email: \"EMAIL\", KEY)", "createGroup(name: \"X\", KEY)"})
    void usersSelfSeesNobodyInAKeyConflict(String mutation) {
        String key = "idempotencyKey: \"" + email + "\"";
        me("users:write")
                .data("mutation { " + mutation.replace("EMAIL", email).replace("KEY", key) + " { errors { code } } }");

        JsonNode error = conflict(
                client.withToken(Tokens.sign(Tokens.claims()
                        .subject("me of " + email)
                        .claim("scope", "users:self")
                        .build())),
                key);

        assertThat(error.get("code").asString()).isEqualTo("KEY_REUSED");
        assertThat(error.get("current").isNull()).isTrue();
    }

    @Test
    void usersSelfSeesNobodyWhoHadItsAddressBefore() {
        String id = createUser(email);
        String key = "idempotencyKey: \"" + email + "\"";
        me("users:self").data("mutation { updateViewer(name: \"Before\", " + key + ") { errors { code } } }");
        assertThat(conflict(me("users:self"), key).at("/current/id").asString()).isEqualTo(id);

        client.data("mutation { updateUser(id: \"" + id + "\", email: \"" + newEmail() + "\") { errors { code } } }");
        createUser(email);

        assertThat(conflict(me("users:self"), key).get("current").isNull()).isTrue();
    }

    @Test
    void retryDoesNotShowTheUserWhoHadTheAddressBefore() {
        String id = createUser(email);
        String retried = "mutation { updateViewer(name: \"Before\", idempotencyKey: \"" + email
                + "\") { user { id name email } errors { path code current { id } } } }";
        JsonNode first = me("users:self").data(retried);
        client.data("mutation { updateUser(id: \"" + id + "\", email: \"" + newEmail() + "\") { errors { code } } }");
        assertThat(me("users:self").data(retried)).isEqualTo(first);

        String successor = createUser(email);
        JsonNode payload = me("users:self").data(retried).get("updateViewer");

        assertThat(refusals(payload)).containsExactly("idempotencyKey KEY_REUSED");
        assertThat(payload.get("user").isNull()).isTrue();
        assertThat(payload.at("/errors/0/current").isNull()).isTrue();
        assertThat(directory.user(successor).get("version").asInt()).isZero();
    }

    private static JsonNode conflict(Client caller, String key) {
        return caller.data("mutation { updateViewer(name: \"Another\", " + key + ") { errors { code current { id"
                        + " ... on User { name email } ... on Group { name } } } } }")
                .at("/updateViewer/errors/0");
    }

    /** The identity provider may change the spelling between two tokens. */
    @Test
    void keyDoesNotDependOnTheCaseOfTheAddress() {
        String id = createUser(email);
        String retried = "mutation { updateViewer(name: \"Retried\", ifVersion: 0, idempotencyKey: \"" + email
                + "\") { user { id version } errors { code } } }";
        List<JsonNode> payloads = new ArrayList<>();
        for (String address : List.of(email, email.toUpperCase(Locale.ROOT))) {
            payloads.add(client.withToken(Tokens.sign(
                            verified(address).claim("scope", "users:self").build()))
                    .data(retried));
        }

        assertThat(payloads.getFirst().at("/updateViewer/user/id").asString()).isEqualTo(id);
        assertThat(payloads.getLast()).isEqualTo(payloads.getFirst());
    }

    /** A gateway may have one subject for all its users. */
    @Test
    void keyOfAnotherPersonWithTheSameSubjectIsReused() {
        String mutation = "mutation { updateViewer(name: \"New\", idempotencyKey: \"" + email
                + "\") { user { email } errors { code current { id } } } }";
        createUser(email);
        String other = newEmail();
        String otherId = createUser(other);

        JsonNode first = person(email).data(mutation).get("updateViewer");
        JsonNode ofOther = person(other).data(mutation).get("updateViewer");
        JsonNode ofNobody = person(newEmail()).data(mutation).get("updateViewer");

        assertThat(first.at("/user/email").asString()).isEqualTo(email);
        assertThat(List.of(ofOther, ofNobody)).allSatisfy(payload -> {
            assertThat(payload.get("user").isNull()).isTrue();
            assertThat(payload.at("/errors/0/code").asString()).isEqualTo("KEY_REUSED");
            assertThat(payload.at("/errors/0/current").isNull()).isTrue();
        });
        assertThat(directory.user(otherId).get("version").asInt()).isZero();
        assertThat(person(email).data(mutation).get("updateViewer")).isEqualTo(first);
    }

    /** The client may renew its token between the request and the retry, and somebody may have changed its address. */
    @Test
    void retryWithAnotherAddressIsNotMadeAgain() {
        String mutation = "mutation { updateViewer(name: \"Mine\", idempotencyKey: \"" + email
                + "\") { user { id name email version } errors { code } } }";
        String id = createUser(email);
        String changed = newEmail();
        JsonNode first = person(email).data(mutation);

        client.data(
                "mutation ($id: ID!, $email: String!) { updateUser(id: $id, name: \"Theirs\", email: $email)"
                        + " { errors { code } } }",
                Map.of("id", id, "email", changed));

        assertThat(person(email).data(mutation)).isEqualTo(first);
        assertThat(person(changed).data(mutation)).isEqualTo(first);
        assertThat(directory.user(id).get("name").asString()).isEqualTo("Theirs");
        assertThat(directory.user(id).get("version").asInt()).isEqualTo(2);
    }

    @Test
    void keyOfAnotherMutationIsReused() {
        createUser(email);
        String key = "idempotencyKey: \"" + email + "\"";
        Client caller = me("users:write users:self");
        caller.data("mutation { createGroup(name: \"" + email + "\", " + key + ") { errors { code } } }");

        JsonNode payload = caller.data("mutation { updateViewer(name: \"New\", " + key + ") { errors { code path } } }")
                .get("updateViewer");

        assertThat(refusals(payload)).containsExactly("idempotencyKey KEY_REUSED");
    }

    private Client person(String address) {
        return client.withToken(Tokens.sign(verified(address)
                .subject("the gateway")
                .claim("scope", "users:self")
                .build()));
    }

    private String token(String scopes) {
        return Tokens.sign(verified(email).claim("scope", scopes).build());
    }

    private Client me(String scopes) {
        return client.withToken(token(scopes));
    }

    private static JsonNode update(Client caller, String name) {
        return caller.data(UPDATE, Map.of("name", name)).get("updateViewer");
    }

    private String createUser(String address) {
        return client.data(
                        "mutation ($email: String!) { createUser(name: \"Me\", email: $email) { user { id } } }",
                        Map.of("email", address))
                .at("/createUser/user/id")
                .asString();
    }

    private String id(String address) {
        return client.data("query ($email: String!) { userByEmail(email: $email) { id } }", Map.of("email", address))
                .at("/userByEmail/id")
                .asString();
    }

    private int cost(String document) {
        HttpResponse<String> response = me("users:self users:write")
                .send(HttpRequest.newBuilder(client.uri("/graphql"))
                        .header("Content-Type", "application/json")
                        .header("GraphQL-Cost", "report")
                        .POST(BodyPublishers.ofString(
                                JsonMapper.shared().writeValueAsString(Map.of("query", document))))
                        .build());
        return JsonMapper.shared()
                .readTree(response.body())
                .at("/extensions/cost/requested")
                .asInt();
    }
}
