package dev.userdirectory.contract;

import static dev.userdirectory.Directory.newEmail;
import static dev.userdirectory.Directory.refusals;
import static org.assertj.core.api.Assertions.assertThat;

import dev.userdirectory.Client;
import dev.userdirectory.Directory;
import dev.userdirectory.DirectoryTest;
import dev.userdirectory.Tokens;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.IntFunction;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.test.context.TestPropertySource;
import tools.jackson.databind.JsonNode;

/** Fifty clients at once, five times as many as there are connections to the database. */
@DirectoryTest
@TestPropertySource(properties = {"directory.limits.deadline=1m", "spring.datasource.hikari.connection-timeout=60000"})
class RacesTest {
    static final int CONTENDERS = 50;

    @Autowired
    Client client;

    @Autowired
    Directory directory;

    @Autowired
    JdbcTemplate jdbc;

    @Test
    void onlyOneConcurrentCreationGetsAnAddress() throws Exception {
        String local = newEmail().replace("@example.com", "");
        List<JsonNode> payloads = race(i -> client.data(
                        "mutation ($email: String!) { createUser(name: \"Al\", email: $email) {"
                                + " user { id email } errors { path code } } }",
                        Map.of("email", differentlyCased(local + "@example.com", i)))
                .get("createUser"));

        assertThat(payloads).filteredOn(payload -> refusals(payload).isEmpty()).hasSize(1);
        assertThat(payloads)
                .filteredOn(payload -> refusals(payload).equals(List.of("email TAKEN")))
                .hasSize(CONTENDERS - 1);
        assertThat(payloads.stream().map(payload -> payload.at("/user/email").asString("")))
                .filteredOn(email -> !email.isEmpty())
                .containsExactly(
                        userByEmail(local + "@EXAMPLE.com").get("email").asString());
    }

    @Test
    void onlyOneConcurrentUpdateOfAVersionSucceeds() throws Exception {
        String id = directory.createUser();
        List<JsonNode> payloads = race(i -> client.data(
                        "mutation ($id: ID!, $name: String!) { updateUser(id: $id, name: $name, ifVersion: 0) {"
                                + " user { name version } errors { path code } } }",
                        Map.of("id", id, "name", "Name " + i))
                .get("updateUser"));

        assertThat(payloads)
                .filteredOn(payload -> refusals(payload).equals(List.of("ifVersion STALE")))
                .hasSize(CONTENDERS - 1);
        assertThat(payloads)
                .filteredOn(payload -> refusals(payload).isEmpty())
                .singleElement()
                .satisfies(payload -> {
                    assertThat(payload.at("/user/version").asInt()).isEqualTo(1);
                    assertThat(payload.at("/user/name"))
                            .isEqualTo(directory.user(id).get("name"));
                });
        assertThat(directory.user(id).get("version").asInt()).isEqualTo(1);
    }

    @Test
    void onlyOneConcurrentUpdateOfTheViewerSucceeds() throws Exception {
        String id = directory.createUser();
        Client self = client.withToken(Tokens.sign(Tokens.claims()
                .claim("scope", "users:self")
                .claim("email", directory.user(id).get("email").asString())
                .claim("email_verified", true)
                .build()));
        List<JsonNode> payloads = race(i -> self.data(
                        "mutation ($name: String!) { updateViewer(name: $name, ifVersion: 0) { errors { path code } } }",
                        Map.of("name", "Name " + i))
                .get("updateViewer"));

        assertThat(payloads).filteredOn(payload -> refusals(payload).isEmpty()).hasSize(1);
        assertThat(payloads)
                .filteredOn(payload -> refusals(payload).equals(List.of("ifVersion STALE")))
                .hasSize(CONTENDERS - 1);
        assertThat(directory.user(id).get("version").asInt()).isEqualTo(1);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "createUser(name: \"Al\", email: \"<NEW>\", <KEY>) { user { id } errors { code } }",
                "createUsers(users: [{ name: \"Al\", email: \"<NEW>\" }], <KEY>) { users { id } errors { code } }",
                "createUsers(users: [{ name: \"Al\", email: \"<NEW>\" }], mode: EACH, <KEY>) { results { user { id } } errors { code } }",
                "upsertUsers(users: [{ name: \"Al\", email: \"<NEW>\" }], <KEY>) { users { id version } errors { code } }",
                "upsertUsers(users: [{ name: \"Al\", email: \"<EMAIL>\" }], <KEY>) { users { id version } errors { code } }",
                "updateUser(id: \"<USER>\", name: \"Al\", ifVersion: 0, <KEY>) { user { version } errors { code } }",
                "updateUsers(users: [{ id: \"<USER>\", name: \"Al\", ifVersion: 0 }], <KEY>) { users { version } errors { code } }",
                "updateViewer(name: \"Al\", ifVersion: 0, <KEY>) { user { version } errors { code } }",
                "deleteUser(id: \"<USER>\", <KEY>) { deletedUserId errors { code } }",
                "deleteUsers(ids: [\"<USER>\"], <KEY>) { deletedUserIds errors { code } }",
                "createGroup(name: \"Team\", <KEY>) { group { id } errors { code } }",
                "updateGroup(id: \"<GROUP>\", name: \"Team\", ifVersion: 0, <KEY>) { group { version } errors { code } }",
                "deleteGroup(id: \"<GROUP>\", <KEY>) { deletedGroupId errors { code } }",
                "addGroupMembers(groupId: \"<GROUP>\", userIds: [\"<OTHER>\"], <KEY>) { group { id } errors { code } }",
                "removeGroupMembers(groupId: \"<GROUP>\", userIds: [\"<USER>\"], <KEY>) { group { id } errors { code } }"
            })
    void mutationIsMadeOnceForTheSameKey(String mutation) throws Exception {
        String subject = UUID.randomUUID().toString();
        String user = directory.createUser();
        String email = directory.user(user).get("email").asString();
        String document = "mutation { "
                + mutation.replace("<KEY>", "idempotencyKey: \"" + subject + "\"")
                        .replace("<NEW>", newEmail())
                        .replace("<EMAIL>", email)
                        .replace("<USER>", user)
                        .replace("<OTHER>", directory.createUser())
                        .replace("<GROUP>", directory.createGroup("Group", List.of(user)))
                + " }";
        Client caller = client.withToken(Tokens.sign(Tokens.claims()
                .subject(subject)
                .claim("scope", "users:write users:self")
                .claim("email", email)
                .claim("email_verified", true)
                .build()));

        List<JsonNode> payloads = race(i -> caller.data(document));

        assertThat(payloads).containsOnly(payloads.getFirst());
        assertThat(payloads.getFirst().findValuesAsString("code")).isEmpty();
        assertThat(jdbc.queryForList("select type from user_events where actor_subject = ?", String.class, subject))
                .isNotEmpty()
                .doesNotHaveDuplicates();
    }

    /** The lock is taken by address, and the address may pass to another user meanwhile. */
    @Test
    void changesNoOtherUserWhileAnAddressIsPassedOn() throws Exception {
        String id = directory.createUser();
        String email = directory.user(id).get("email").asString();
        Client self = client.withToken(Tokens.sign(Tokens.claims()
                .claim("scope", "users:self")
                .claim("email", email)
                .claim("email_verified", true)
                .build()));
        List<JsonNode> payloads = race(i -> i % 2 == 0
                ? self.data("mutation { updateViewer(name: \"Me\") { user { email } errors { path code } } }")
                        .get("updateViewer")
                : client.data(
                                "mutation ($id: ID!, $email: String!) { updateUser(id: $id, email: $email) {"
                                        + " errors { path code } } }",
                                Map.of("id", id, "email", i % 4 == 1 ? email : newEmail()))
                        .get("updateUser"));

        assertThat(payloads).allSatisfy(payload -> {
            assertThat(refusals(payload)).isSubsetOf(" NOT_FOUND");
            assertThat(payload.at("/user/email").asString(email)).isEqualTo(email);
        });
    }

    @Test
    void losesNoConcurrentUpdate() throws Exception {
        String id = directory.createUser();
        String group = directory.createGroup("Board", List.of());
        List<JsonNode> payloads = race(i -> client.data("""
                        mutation ($user: ID!, $group: ID!, $name: String!) {
                          updateUser(id: $user, name: $name) { user { name version } errors { code } }
                          updateGroup(id: $group, name: $name) { group { name version } errors { code } }
                        }""", Map.of("user", id, "group", group, "name", "Name " + i)));

        List<Integer> versions = IntStream.rangeClosed(1, CONTENDERS).boxed().toList();
        assertThat(payloads.stream()
                        .map(payload -> payload.at("/updateUser/user/version").asInt()))
                .containsExactlyInAnyOrderElementsOf(versions);
        assertThat(payloads.stream()
                        .map(payload -> payload.at("/updateGroup/group/version").asInt()))
                .containsExactlyInAnyOrderElementsOf(versions);
        assertThat(directory.user(id).get("version").asInt()).isEqualTo(CONTENDERS);
        assertThat(directory.group(group).get("version").asInt()).isEqualTo(CONTENDERS);
    }

    @Test
    void onlyOneConcurrentDeletionOfAVersionSucceeds() throws Exception {
        String id = directory.createUser();
        List<JsonNode> payloads = race(i -> client.data(
                        "mutation ($id: ID!) { deleteUser(id: $id, ifVersion: 0) { deletedUserId errors { path code } } }",
                        Map.of("id", id))
                .get("deleteUser"));

        assertThat(payloads).filteredOn(payload -> refusals(payload).isEmpty()).hasSize(1);
        assertThat(payloads)
                .filteredOn(payload -> refusals(payload).equals(List.of("id NOT_FOUND")))
                .hasSize(CONTENDERS - 1);
    }

    /** Each batch has 25 of 40 addresses in a random order. Any two batches overlap, so only one can be created. */
    @Test
    void createsOverlappingBatchesWholeOrNotAtAll() throws Exception {
        List<String> emails =
                IntStream.range(0, 40).mapToObj(i -> "é" + newEmail()).toList();
        List<JsonNode> payloads = race(i -> {
            List<String> mine = new ArrayList<>(emails);
            Collections.shuffle(mine, new Random(i));
            List<Map<String, String>> users = mine.subList(0, 25).stream()
                    .map(email -> Map.of("name", "Batch " + i, "email", differentlyCased(email, i)))
                    .toList();
            return client.data(
                            "mutation ($users: [NewUser!]!) { createUsers(users: $users) {"
                                    + " users { id } errors { path code } } }",
                            Map.of("users", users))
                    .get("createUsers");
        });

        assertThat(payloads)
                .filteredOn(payload -> payload.get("users").size() == 25)
                .hasSize(1);
        assertThat(payloads)
                .filteredOn(payload -> payload.get("users").isEmpty())
                .hasSize(CONTENDERS - 1)
                .allSatisfy(payload -> assertThat(refusals(payload))
                        .isNotEmpty()
                        .allMatch(refusal -> refusal.matches("users\\.\\d+\\.email TAKEN")));
        assertThat(emails.stream().map(this::userByEmail).filter(user -> !user.isNull()))
                .hasSize(25)
                .extracting(user -> user.get("name").asString())
                .containsOnly(winner(payloads));
    }

    /** Ten users exchange addresses. An update to an address that is still taken is rejected; none deadlocks. */
    @Test
    void exchangesAddressesWithoutDeadlock() throws Exception {
        List<String> users = directory.createUsers(10);
        List<String> emails = users.stream()
                .map(id -> directory.user(id).get("email").asString())
                .toList();
        List<JsonNode> payloads = race(i -> client.data(
                """
                        mutation ($id: ID!, $free: String!, $other: String!) {
                          leave: updateUser(id: $id, email: $free) { errors { path code } }
                          take: updateUser(id: $id, email: $other) { errors { path code } }
                        }""",
                Map.of(
                        "id", users.get(i % 10),
                        "free", newEmail(),
                        "other", emails.get((i + 1 + i / 10) % 10))));

        assertThat(payloads)
                .allSatisfy(
                        payload -> assertThat(refusals(payload.get("leave"))).isEmpty())
                .allSatisfy(payload -> assertThat(refusals(payload.get("take"))).isSubsetOf("email TAKEN"))
                .anySatisfy(payload -> assertThat(refusals(payload.get("take"))).isEmpty());
        assertThat(users.stream().map(id -> directory.user(id).get("email").asString()))
                .doesNotHaveDuplicates();
    }

    /** Members are added, removed and deleted in random order. */
    @Test
    void addsAndRemovesMembersWhileUsersAndGroupsAreDeleted() throws Exception {
        List<String> users = directory.createUsers(30);
        String kept = directory.createGroup("Kept", users.subList(0, 15));
        String deleted = directory.createGroup("Deleted", users.subList(5, 20));
        List<JsonNode> payloads = race(i -> {
            List<String> some = new ArrayList<>(users);
            Collections.shuffle(some, new Random(i));
            String members = "(groupId: \"%s\", userIds: [\"%s\"])"
                    .formatted(i % 2 == 0 ? kept : deleted, String.join("\", \"", some.subList(0, 10)));
            String mutation = switch (i % 5) {
                case 0, 1 -> "addGroupMembers" + members;
                case 2, 3 -> "removeGroupMembers" + members;
                default ->
                    i == CONTENDERS - 1
                            ? "deleteGroup(id: \"%s\")".formatted(deleted)
                            : "deleteUser(id: \"%s\")".formatted(users.get(i / 5));
            };
            return client.data(
                    "mutation { one: %1$s two: %1$s three: %1$s }".formatted(mutation + " { errors { path code } }"));
        });

        assertThat(payloads)
                .flatMap(payload -> payload.values().stream()
                        .flatMap(mutation -> refusals(mutation).stream())
                        .toList())
                .allMatch(refusal -> refusal.endsWith("NOT_FOUND"));
        assertThat(directory.group(deleted).isNull()).isTrue();
        assertThat(directory.group(kept).at("/members/nodes").findValuesAsString("id"))
                .doesNotHaveDuplicates()
                .isSubsetOf(users.subList(9, 30));
    }

    /** Each of ten users leaves five groups at once, and then joins them at once. */
    @Test
    void knowsTheUsersInNoGroup() throws Exception {
        List<String> users = directory.createUsers(10);
        List<String> emails = users.stream()
                .map(id -> directory.user(id).get("email").asString())
                .toList();
        List<String> groups = IntStream.range(0, 5)
                .mapToObj(i -> directory.createGroup("Left " + i, users))
                .toList();
        for (int round = 0; round < 5; round++) {
            for (String change : List.of("removeGroupMembers", "addGroupMembers")) {
                List<JsonNode> payloads =
                        race(i -> client.data("mutation { %s(groupId: \"%s\", userIds: [\"%s\"]) { errors { code } } }"
                                .formatted(change, groups.get(i / 10), users.get(i % 10))));

                assertThat(payloads)
                        .allMatch(payload -> refusals(payload.get(change)).isEmpty());
                assertThat(client.data(
                                        "query ($emails: [String!]) {"
                                                + " users(filter: { emails: $emails, inNoGroup: true }) { nodes { id } } }",
                                        Map.of("emails", emails))
                                .findValuesAsString("id"))
                        .hasSameElementsAs(change.equals("removeGroupMembers") ? users : List.of());
            }
        }
    }

    /** Starts all requests at once and waits for them. No request may fail. */
    static <T> List<T> race(IntFunction<T> contender) throws Exception {
        CyclicBarrier start = new CyclicBarrier(CONTENDERS);
        try (ExecutorService executor = Executors.newFixedThreadPool(CONTENDERS)) {
            List<Future<T>> results = executor.invokeAll(IntStream.range(0, CONTENDERS)
                    .mapToObj(i -> (Callable<T>) () -> {
                        start.await();
                        return contender.apply(i);
                    })
                    .toList());
            List<T> payloads = new ArrayList<>();
            for (Future<T> result : results) {
                payloads.add(result.get());
            }
            return payloads;
        }
    }

    private static String differentlyCased(String email, int seed) {
        Random random = new Random(seed);
        return email.chars()
                .map(c -> random.nextBoolean() ? Character.toUpperCase(c) : c)
                .mapToObj(Character::toString)
                .collect(Collectors.joining());
    }

    private JsonNode userByEmail(String email) {
        return client.data(
                        "query ($email: String!) { userByEmail(email: $email) { name email } }", Map.of("email", email))
                .get("userByEmail");
    }

    private static String winner(List<JsonNode> payloads) {
        return IntStream.range(0, CONTENDERS)
                .filter(i -> !payloads.get(i).get("users").isEmpty())
                .mapToObj(i -> "Batch " + i)
                .collect(Collectors.joining());
    }
}
