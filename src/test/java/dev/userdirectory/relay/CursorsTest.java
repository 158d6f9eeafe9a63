package dev.userdirectory.relay;

import static org.assertj.core.api.Assertions.assertThat;

import dev.userdirectory.Client;
import dev.userdirectory.DirectoryTest;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.beans.factory.annotation.Autowired;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The errors for page arguments that are invalid. */
@DirectoryTest
class CursorsTest {
    private static final String ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

    @Autowired
    Client client;

    private static final String GROUPS = "groups(%s) %s";

    /** Each connection in each order, without its arguments and selection. */
    private final List<String> connections = new ArrayList<>();

    @BeforeEach
    void addMember() {
        String user = client.data("mutation { createUsers(users: [{name: \"One\", email: \"one" + System.nanoTime()
                        + "@example.com\"}]) { users { id } } }")
                .at("/createUsers/users/0/id")
                .asString();
        String group = client.data("mutation { createGroup(name: \"One\") { group { id } } }")
                .at("/createGroup/group/id")
                .asString();
        client.data("mutation { addGroupMembers(groupId: \"" + group + "\", userIds: [\"" + user
                + "\"]) { errors { code } } }");

        for (String field : List.of("CREATED_AT", "NAME", "EMAIL")) {
            for (String direction : List.of("ASC", "DESC")) {
                connections.add("users(orderBy: { field: " + field + ", direction: " + direction + " }, %s) %s");
            }
        }
        connections.add(GROUPS);
        connections.add("user(id: \"" + user + "\") { groups(%s) %s }");
        connections.add("group(id: \"" + group + "\") { members(%s) %s }");
    }

    @Test
    void rejectsForgedCursors() {
        String cursor = cursor(connections.getLast());

        Set<String> forged = new HashSet<>();
        for (int i = 0; i < cursor.length(); i++) {
            char other = ALPHABET.charAt((ALPHABET.indexOf(cursor.charAt(i)) + 1) % ALPHABET.length());
            forged.add(cursor.substring(0, i) + other + cursor.substring(i + 1));
            forged.add(cursor.substring(0, i));
            forged.add(cursor.substring(i + 1));
        }
        // The last character has spare bits, and padding means nothing: neither makes another valid spelling.
        ALPHABET.chars().forEach(last -> {
            forged.add(cursor.substring(0, cursor.length() - 1) + (char) last);
            forged.add(cursor + (char) last);
        });
        forged.addAll(
                List.of(cursor + "=", cursor + "==", cursor + "A=", " " + cursor, cursor + "\n", cursor + cursor));
        forged.remove(cursor);

        assertThat(forged)
                .hasSizeGreaterThan(300)
                .allSatisfy(value -> assertRefused(connections.getLast(), "after", value));
    }

    @Test
    void rejectsCursorsOfOtherVersions() {
        byte[] bytes = Base64.getUrlDecoder().decode(cursor(GROUPS));
        for (int version = 0; version < 256; version++) {
            if (version != bytes[0]) {
                byte[] other = bytes.clone();
                other[0] = (byte) version;
                assertRefused(
                        GROUPS,
                        "before",
                        Base64.getUrlEncoder().withoutPadding().encodeToString(other));
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"", " ", "0", "=", "====", "a b", "é", "🦊", "+/+/", "null", "MQ", "AQ", "AQAAAAAAAAAAAA"})
    void rejectsTextThatIsNoCursor(String value) {
        assertRefused(GROUPS, "after", value);
        assertRefused(GROUPS, "before", value);
    }

    @Test
    void rejectsCursorsOfOtherFieldsAndOrders() {
        connections.forEach(from -> {
            String cursor = cursor(from);
            connections.forEach(to -> {
                if (from.equals(to)) {
                    assertThat(client.execute(document(to, "after", cursor), Map.of())
                                    .has("errors"))
                            .isFalse();
                } else {
                    assertRefused(to, "after", cursor);
                    assertRefused(to, "before", cursor);
                }
            });
        });
    }

    @ParameterizedTest
    @CsvSource({
        "first,-1",
        "first,101",
        "first,2147483647",
        "first,-2147483648",
        "last,-1",
        "last,101",
        "last,2147483647"
    })
    void rejectsPageSizesOutOfRange(String argument, String size) {
        connections.forEach(connection -> {
            JsonNode error = client.error(
                    "{ " + connection.formatted(argument + ": " + size, "{ totalCount }") + " }", Map.of());

            assertThat(error.at("/extensions/code").asString()).isEqualTo("BAD_USER_INPUT");
            assertThat(error.get("message").asString())
                    .isEqualTo("Argument `" + argument + "` must be from 0 to 100, not " + size + ".");
        });
    }

    @Test
    void rejectsFirstTogetherWithLast() {
        connections.forEach(connection -> {
            JsonNode error =
                    client.error("{ " + connection.formatted("first: 0, last: 0", "{ totalCount }") + " }", Map.of());

            assertThat(error.at("/extensions/code").asString()).isEqualTo("BAD_USER_INPUT");
            assertThat(error.get("message").asString())
                    .isEqualTo("Argument `last` cannot be given together with `first`.");
        });
    }

    private void assertRefused(String connection, String argument, String cursor) {
        JsonNode error = client.error(document(connection, argument, cursor), Map.of());

        assertThat(error.at("/extensions/code").asString()).isEqualTo("BAD_USER_INPUT");
        assertThat(error.at("/extensions/argument").asString()).isEqualTo(argument);
        assertThat(error.get("message").asString())
                .isEqualTo("Argument `" + argument + "` is not a cursor of this connection in this order.");
    }

    private String cursor(String connection) {
        JsonNode found = client.data("{ " + connection.formatted("first: 1", "{ edges { cursor } }") + " }");
        return found.findValue("cursor").asString();
    }

    private String document(String connection, String argument, String cursor) {
        String quoted = JsonMapper.shared().writeValueAsString(cursor);
        return "{ " + connection.formatted(argument + ": " + quoted, "{ nodes { id } }") + " }";
    }
}
