package dev.userdirectory.user;

import static dev.userdirectory.Directory.newEmail;
import static dev.userdirectory.Directory.refusals;
import static org.assertj.core.api.Assertions.assertThat;

import dev.userdirectory.Client;
import dev.userdirectory.Directory;
import dev.userdirectory.DirectoryTest;
import dev.userdirectory.TestPostgres.Statements;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.jdbc.core.JdbcTemplate;
import tools.jackson.databind.JsonNode;

@DirectoryTest
class BulkWritesTest {
    private static final String CREATE_EACH = """
            mutation ($list: [NewUser!]!) {
              result: createUsers(users: $list, mode: EACH) {
                users { id } errors { path code }
                results { user { name active } errors { path code } }
              }
            }""";
    private static final String UPSERT = """
            mutation ($list: [NewUser!]!) {
              result: upsertUsers(users: $list) { users { id name email active version } errors { path code current { id } } }
            }""";
    private static final String UPDATE = """
            mutation ($list: [UserChange!]!) {
              result: updateUsers(users: $list) {
                users { id name email active version } errors { path code current { id } }
              }
            }""";
    private static final String DELETE = """
            mutation ($list: [ID!]!) { result: deleteUsers(ids: $list) { deletedUserIds errors { path code } } }""";

    @Autowired
    Client client;

    @Autowired
    Directory directory;

    @Autowired
    Statements statements;

    @Autowired
    JdbcTemplate jdbc;

    @Test
    void createsInactiveUsers() {
        JsonNode data = client.data(
                "mutation ($one: String!, $list: [NewUser!]!) {"
                        + " createUser(name: \"Al\", email: $one, active: false) { user { active version } }"
                        + " createUsers(users: $list) { users { active } } }",
                Map.of(
                        "one",
                        newEmail(),
                        "list",
                        List.of(
                                Map.of("name", "A", "email", newEmail(), "active", false),
                                Map.of("name", "B", "email", newEmail()))));

        assertThat(data.at("/createUser/user/active").asBoolean()).isFalse();
        assertThat(data.at("/createUser/user/version").asInt()).isZero();
        assertThat(data.at("/createUsers/users").findValuesAsString("active")).containsExactly("false", "true");
    }

    @Test
    void createsEachUserThatIsNotRejected() {
        String taken = email(directory.createUser());
        String twice = newEmail();

        JsonNode payload = write(
                CREATE_EACH,
                List.of(
                        Map.of("name", "A", "email", newEmail()),
                        Map.of("name", "", "email", taken),
                        Map.of("name", "C", "email", twice),
                        Map.of("name", "D", "email", twice.toUpperCase(Locale.ROOT)),
                        Map.of("name", "E", "email", newEmail(), "active", false)));

        assertThat(payload.get("results").values())
                .extracting(result -> result.at("/user/name").asString("") + refusals(result))
                .containsExactly(
                        "A[]", "[users.1.name INVALID, users.1.email TAKEN]", "C[]", "[users.3.email TAKEN]", "E[]");
        assertThat(payload.get("users")).hasSize(3);
        assertThat(refusals(payload)).hasSize(3);
        assertThat(payload.at("/results/4/user/active").asBoolean()).isFalse();
    }

    @Test
    void rejectedUserTakesNoAddressFromAnother() {
        String email = newEmail();

        JsonNode payload =
                write(CREATE_EACH, List.of(Map.of("name", "", "email", email), Map.of("name", "Bob", "email", email)));

        assertThat(payload.at("/results/1/user/name").asString()).isEqualTo("Bob");
        assertThat(refusals(payload)).containsExactly("users.0.name INVALID", "users.0.email TAKEN");
    }

    @Test
    void allOrNoneShowsWhichUsersWereRejected() {
        Object before = directory.digest();

        JsonNode payload = write(
                CREATE_EACH.replace("EACH", "ALL_OR_NONE"),
                List.of(Map.of("name", "A", "email", newEmail()), Map.of("name", "", "email", newEmail())));

        assertThat(payload.get("users")).isEmpty();
        assertThat(payload.get("results").values())
                .extracting(result -> result.get("user").isNull() + " " + refusals(result))
                .containsExactly("true []", "true [users.1.name INVALID]");
        assertThat(directory.digest()).isEqualTo(before);
    }

    @Test
    void upsertsUsersByAddress() {
        String known = directory.createUser();
        String inactive = directory.createUser();
        client.data("mutation { updateUser(id: \"" + inactive + "\", active: false) { errors { code } } }");
        String added = newEmail();

        JsonNode users = write(
                        UPSERT,
                        List.of(
                                Map.of(
                                        "name",
                                        "Known",
                                        "email",
                                        email(known).toUpperCase(Locale.ROOT),
                                        "active",
                                        false),
                                Map.of("name", "Added", "email", added),
                                Map.of("name", "Inactive", "email", email(inactive))))
                .get("users");

        assertThat(users.findValuesAsString("name")).containsExactly("Known", "Added", "Inactive");
        assertThat(users.findValuesAsString("active")).containsExactly("false", "true", "false");
        assertThat(users.findValuesAsString("version")).containsExactly("1", "0", "2");
        assertThat(users.at("/0/id").asString()).isEqualTo(known);
        assertThat(users.at("/0/email").asString()).isEqualTo(email(known));
        assertThat(users.at("/2/id").asString()).isEqualTo(inactive);
    }

    @Test
    void upsertRejectsOneAddressGivenTwice() {
        String known = email(directory.createUser());
        String added = newEmail();
        Object before = directory.digest();

        JsonNode payload = write(
                UPSERT,
                List.of(
                        Map.of("name", "A", "email", known),
                        Map.of("name", "B", "email", added),
                        Map.of("name", "C", "email", known.toUpperCase(Locale.ROOT)),
                        Map.of("name", "D", "email", added)));

        assertThat(refusals(payload)).containsExactly("users.2.email INVALID", "users.3.email INVALID");
        assertThat(directory.digest()).isEqualTo(before);
    }

    @Test
    void upsertListsEveryReason() {
        String email = newEmail();
        create("s" + email);
        String added = newEmail();
        Object before = directory.digest();

        JsonNode payload = write(
                UPSERT,
                List.of(
                        Map.of("name", "", "email", added),
                        Map.of("name", "B", "email", added.toUpperCase(Locale.ROOT)),
                        Map.of("name", "C", "email", "ſ" + email),
                        Map.of("name", "D", "email", "nobody"),
                        Map.of("name", "K", "email", "k" + added),
                        Map.of("name", "K", "email", "\u212a" + added),
                        Map.of("name", "E", "email", newEmail())));

        assertThat(refusals(payload))
                .containsExactly(
                        "users.0.name INVALID",
                        "users.3.email INVALID",
                        "users.2.email TAKEN",
                        "users.1.email INVALID",
                        "users.5.email TAKEN");
        assertThat(directory.digest()).isEqualTo(before);
    }

    /** The directory stores only one of the addresses that look alike, but they may belong to several people. */
    @ParameterizedTest
    @CsvSource({"s%s, ſ%s", "i%s, İ%s", "k%s, \u212a%s"})
    void upsertRejectsAnAddressThatOnlyReadsAlike(String stored, String given) {
        String email = newEmail();
        String id = create(stored.formatted(email));
        Object before = directory.digest();

        JsonNode payload = write(
                UPSERT,
                List.of(
                        Map.of("name", "Eve", "email", given.formatted(email)),
                        Map.of("name", "New", "email", newEmail())));

        assertThat(refusals(payload)).containsExactly("users.0.email TAKEN");
        assertThat(payload.at("/errors/0/current/id").asString()).isEqualTo(id);
        assertThat(directory.digest()).isEqualTo(before);
    }

    @Test
    void upsertRejectsTwoNewAddressesThatReadAlike() {
        String email = newEmail();

        JsonNode payload = write(
                UPSERT, List.of(Map.of("name", "A", "email", "s" + email), Map.of("name", "B", "email", "ſ" + email)));

        assertThat(refusals(payload)).containsExactly("users.1.email TAKEN");
    }

    @Test
    void updatesAllUsers() {
        List<String> ids = directory.createUsers(3);
        String email = newEmail();

        JsonNode payload = write(
                UPDATE,
                List.of(
                        Map.of("id", ids.get(2), "name", "Third", "ifVersion", 0),
                        Map.of("id", ids.get(0), "email", email, "active", false),
                        Map.of("id", ids.get(1))));

        assertThat(refusals(payload)).isEmpty();
        assertThat(payload.get("users").findValuesAsString("id")).containsExactly(ids.get(2), ids.get(0), ids.get(1));
        assertThat(payload.get("users").findValuesAsString("version")).containsExactly("1", "1", "0");
        assertThat(directory.user(ids.get(2)).get("name").asString()).isEqualTo("Third");
        assertThat(directory.user(ids.get(0)).get("email").asString()).isEqualTo(email);
        assertThat(directory.user(ids.get(0)).get("active").asBoolean()).isFalse();
    }

    @Test
    void updatesNoneIfOneIsRejected() {
        List<String> ids = directory.createUsers(4);
        String group = directory.createGroup("Team", List.of());
        List<Map<String, Object>> changes = List.of(
                Map.of("id", ids.get(0), "name", "Changed"),
                Map.of("id", ids.get(1), "name", "", "email", "x", "ifVersion", 7),
                Map.of("id", ids.get(2), "email", email(ids.get(0))),
                Map.of("id", ids.get(0), "name", "Again"),
                Map.of("id", group, "name", "Group"),
                Map.of("id", "unknown"));
        Object before = directory.digest();

        JsonNode payload = write(UPDATE, changes);

        assertThat(payload.get("users")).isEmpty();
        assertThat(refusals(payload))
                .containsExactlyInAnyOrder(
                        "users.1.name INVALID",
                        "users.1.email INVALID",
                        "users.1.ifVersion STALE",
                        "users.2.email TAKEN",
                        "users.3.id INVALID",
                        "users.4.id NOT_FOUND",
                        "users.5.id INVALID");
        assertThat(payload.get("errors").values())
                .filteredOn(error -> !error.get("current").isNull())
                .extracting(error -> error.at("/current/id").asString())
                .containsExactlyInAnyOrder(ids.get(1), ids.get(0));
        assertThat(directory.digest()).isEqualTo(before);
    }

    /** The addresses change hands one after the other, so one of two users would have the other's for a moment. */
    @Test
    void usersCannotSwapAddresses() {
        List<String> ids = directory.createUsers(2);

        JsonNode payload = write(
                UPDATE,
                List.of(
                        Map.of("id", ids.get(0), "email", email(ids.get(1))),
                        Map.of("id", ids.get(1), "email", email(ids.get(0)))));

        assertThat(refusals(payload)).containsExactly("users.0.email TAKEN", "users.1.email TAKEN");
    }

    @Test
    void deletesAllUsersOrNone() {
        List<String> ids = new ArrayList<>(directory.createUsers(2));
        String gone = directory.createUser();
        write(DELETE, List.of(gone));
        Object before = directory.digest();

        assertThat(refusals(write(DELETE, List.of(ids.get(0), gone, "x"))))
                .containsExactlyInAnyOrder("ids.1 NOT_FOUND", "ids.2 INVALID");
        assertThat(directory.digest()).isEqualTo(before);

        ids.add(ids.getFirst());
        assertThat(write(DELETE, ids).get("deletedUserIds").values())
                .extracting(JsonNode::asString)
                .containsExactly(ids.get(0), ids.get(1));
        assertThat(directory.user(ids.get(1)).isNull()).isTrue();
    }

    @ParameterizedTest
    @ValueSource(strings = {CREATE_EACH, UPSERT, UPDATE})
    void rejectsListsThatAreTooLongOrEmpty(String document) {
        Map<String, String> row = document.equals(UPDATE)
                ? Map.of("id", directory.createUser())
                : Map.of("name", "Al", "email", newEmail());

        assertThat(refusals(write(document, List.of()))).containsExactly("users INVALID");
        assertThat(refusals(write(document, Collections.nCopies(1001, row)))).containsExactly("users INVALID");
    }

    @Test
    void rejectsMoreThanAThousandDeletions() {
        String id = directory.createUser();

        assertThat(refusals(write(DELETE, Collections.nCopies(1001, id)))).containsExactly("ids INVALID");

        assertThat(directory.user(id).isNull()).isFalse();
    }

    @Test
    void repeatedUpsertChangesNothing() {
        List<Map<String, String>> rows = List.of(Map.of("name", "Al", "email", newEmail()));
        JsonNode first = write(UPSERT, rows).get("users");
        long events = events();

        JsonNode second = write(UPSERT, rows).get("users");

        assertThat(second).isEqualTo(first);
        assertThat(events()).isEqualTo(events);
    }

    private long events() {
        return Objects.requireNonNull(jdbc.queryForObject("select count(*) from user_events", Long.class));
    }

    @Test
    void writesAThousandInAFewStatements() {
        List<String> ids = directory.createUsers(1000);
        statements.clear();
        assertThat(refusals(write(
                        UPDATE,
                        ids.stream()
                                .map(id -> Map.of("id", id, "email", newEmail()))
                                .toList())))
                .isEmpty();
        assertThat(statements.executed()).hasSizeLessThan(20);

        statements.clear();
        assertThat(write(DELETE, ids).get("deletedUserIds")).hasSize(1000);
        assertThat(statements.executed()).hasSize(4);
    }

    @Test
    void addsMembersByAddress() {
        List<String> ids = directory.createUsers(3);
        String group = directory.createGroup("Team", List.of(ids.getFirst()));
        String add = "mutation ($group: ID!, $ids: [ID!]! = [], $emails: [String!]!) {"
                + " result: addGroupMembers(groupId: $group, userIds: $ids, emails: $emails) { errors { path code } } }";

        assertThat(refusals(client.data(
                                add,
                                Map.of(
                                        "group", group,
                                        "ids", List.of(ids.get(1)),
                                        "emails",
                                                List.of(email(ids.get(2)).toUpperCase(Locale.ROOT), email(ids.get(1)))))
                        .get("result")))
                .isEmpty();
        assertThat(directory.group(group).at("/members/nodes").findValuesAsString("id"))
                .containsExactlyInAnyOrderElementsOf(ids);
        assertThat(refusals(client.data(
                                add, Map.of("group", group, "emails", List.of(email(ids.get(0)), newEmail(), "x")))
                        .get("result")))
                .containsExactlyInAnyOrder("emails.1 NOT_FOUND", "emails.2 INVALID");
        assertThat(refusals(client.data(
                                add,
                                Map.of(
                                        "group", group,
                                        "ids", Collections.nCopies(500, ids.get(0)),
                                        "emails",
                                                IntStream.range(0, 501)
                                                        .mapToObj(i -> newEmail())
                                                        .toList()))
                        .get("result")))
                .containsExactly("emails INVALID");
    }

    @Test
    void addsNobodyByAnAddressThatOnlyReadsAlike() {
        String email = newEmail();
        create("s" + email);
        String group = directory.createGroup("Team", List.of());

        JsonNode payload = client.data(
                        "mutation ($group: ID!, $emails: [String!]!) {"
                                + " result: addGroupMembers(groupId: $group, emails: $emails) { errors { path code } } }",
                        Map.of("group", group, "emails", List.of("ſ" + email)))
                .get("result");

        assertThat(refusals(payload)).containsExactly("emails.0 NOT_FOUND");
        assertThat(directory.group(group).at("/members/nodes")).isEmpty();
    }

    private String create(String email) {
        return write(UPSERT, List.of(Map.of("name", "First", "email", email)))
                .at("/users/0/id")
                .asString();
    }

    private String email(String id) {
        return directory.user(id).get("email").asString();
    }

    private JsonNode write(String document, List<?> list) {
        return client.data(document, Map.of("list", list)).get("result");
    }
}
