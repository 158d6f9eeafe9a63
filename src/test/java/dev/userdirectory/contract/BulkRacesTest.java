package dev.userdirectory.contract;

import static dev.userdirectory.Directory.newEmail;
import static dev.userdirectory.Directory.refusals;
import static dev.userdirectory.contract.RacesTest.CONTENDERS;
import static dev.userdirectory.contract.RacesTest.race;
import static org.assertj.core.api.Assertions.assertThat;

import dev.userdirectory.Client;
import dev.userdirectory.Directory;
import dev.userdirectory.DirectoryTest;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.test.context.TestPropertySource;
import tools.jackson.databind.JsonNode;

/** Fifty bulk writes at once. Each contains 25 of 40 users in a random order, so any two of them overlap. */
@DirectoryTest
@TestPropertySource(properties = {"directory.limits.deadline=1m", "spring.datasource.hikari.connection-timeout=60000"})
class BulkRacesTest {
    private static final int SIZE = 25;

    @Autowired
    Client client;

    @Autowired
    Directory directory;

    private final List<String> emails =
            IntStream.range(0, 40).mapToObj(i -> newEmail()).toList();

    @Test
    void createsEachUserOnce() throws Exception {
        List<JsonNode> payloads = race(i -> write(
                "createUsers(users: $list, mode: EACH) { users { email } errors { path code } }",
                "[NewUser!]!",
                named("Batch " + i, some(emails, i))));

        assertThat(payloads.stream().flatMap(payload -> payload.get("users").findValuesAsString("email").stream()))
                .containsExactlyInAnyOrderElementsOf(emails);
        assertThat(payloads)
                .allSatisfy(payload -> assertThat(refusals(payload))
                        .hasSize(SIZE - payload.get("users").size())
                        .allMatch(refusal -> refusal.endsWith("email TAKEN")));
    }

    /** Every upsert either creates a user, at version 0, or changes the name, which raises the version by one. */
    @Test
    void losesNoUpsert() throws Exception {
        write("createUsers(users: $list) { errors { path code } }", "[NewUser!]!", named("Old", emails.subList(0, 20)));

        List<JsonNode> payloads = race(i -> write(
                "upsertUsers(users: $list) { users { email } errors { path code } }",
                "[NewUser!]!",
                named("Batch " + i, some(emails, i))));

        assertThat(payloads).allMatch(payload -> payload.get("users").size() == SIZE);
        JsonNode users = read();
        assertThat(users.findValuesAsString("email")).containsExactlyInAnyOrderElementsOf(emails);
        int changes =
                users.findValues("version").stream().mapToInt(JsonNode::asInt).sum();
        assertThat(changes + 20).isEqualTo(CONTENDERS * SIZE);
    }

    @Test
    void onlyOneUpdateOfTheSameVersionsSucceeds() throws Exception {
        List<String> ids = directory.createUsers(40);

        List<JsonNode> payloads = race(i -> write(
                "updateUsers(users: $list) { users { id } errors { path code } }",
                "[UserChange!]!",
                some(ids, i).stream()
                        .map(id -> Map.of("id", id, "name", "Batch " + i, "ifVersion", 0))
                        .toList()));

        assertThat(payloads).filteredOn(payload -> refusals(payload).isEmpty()).hasSize(1);
        assertThat(payloads)
                .allSatisfy(payload ->
                        assertThat(refusals(payload)).allMatch(refusal -> refusal.endsWith("ifVersion STALE")));
        assertThat(ids.stream().filter(id -> directory.user(id).get("version").asInt() == 1))
                .hasSize(SIZE);
    }

    @Test
    void losesNoUpdate() throws Exception {
        List<String> ids = directory.createUsers(40);

        List<JsonNode> payloads = race(i -> write(
                "updateUsers(users: $list) { errors { path code } }",
                "[UserChange!]!",
                some(ids, i).stream()
                        .map(id -> Map.of("id", id, "name", "Batch " + i))
                        .toList()));

        assertThat(payloads).allMatch(payload -> refusals(payload).isEmpty());
        assertThat(ids.stream()
                        .mapToInt(id -> directory.user(id).get("version").asInt())
                        .sum())
                .isEqualTo(CONTENDERS * SIZE);
    }

    @Test
    void onlyOneDeletionSucceeds() throws Exception {
        List<String> ids = directory.createUsers(40);

        List<JsonNode> payloads = race(
                i -> write("deleteUsers(ids: $list) { deletedUserIds errors { path code } }", "[ID!]!", some(ids, i)));

        assertThat(payloads).filteredOn(payload -> refusals(payload).isEmpty()).hasSize(1);
        assertThat(payloads)
                .allSatisfy(
                        payload -> assertThat(refusals(payload)).allMatch(refusal -> refusal.endsWith("NOT_FOUND")));
        assertThat(ids.stream().filter(id -> directory.user(id).isNull())).hasSize(SIZE);
    }

    @Test
    void addsEachMemberOnce() throws Exception {
        write("createUsers(users: $list) { errors { path code } }", "[NewUser!]!", named("Member", emails));
        String group = directory.createGroup("Team", List.of());

        List<JsonNode> payloads = race(i -> write(
                "addGroupMembers(groupId: \"" + group + "\", emails: $list) { errors { path code } }",
                "[String!]!",
                some(emails, i)));

        assertThat(payloads).allMatch(payload -> refusals(payload).isEmpty());
        assertThat(directory.group(group).at("/members/nodes")).hasSize(emails.size());
    }

    private JsonNode write(String field, String type, List<?> list) {
        return client.data("mutation ($list: " + type + ") { result: " + field + " }", Map.of("list", list))
                .get("result");
    }

    private JsonNode read() {
        return client.data(
                "query ($emails: [String!]) { users(first: 100, filter: { emails: $emails }) { nodes { email version } } }",
                Map.of("emails", emails));
    }

    private static List<String> some(List<String> all, int seed) {
        List<String> some = new ArrayList<>(all);
        Collections.shuffle(some, new Random(seed));
        return some.subList(0, SIZE);
    }

    private static List<Map<String, String>> named(String name, List<String> emails) {
        return emails.stream()
                .map(email -> Map.of("name", name, "email", email))
                .toList();
    }
}
