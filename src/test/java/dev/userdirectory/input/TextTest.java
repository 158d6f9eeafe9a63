package dev.userdirectory.input;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import dev.userdirectory.Client;
import dev.userdirectory.Directory;
import dev.userdirectory.DirectoryTest;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.beans.factory.annotation.Autowired;
import tools.jackson.databind.JsonNode;

/** The rules for text, in every argument that takes text. */
@DirectoryTest
class TextTest {
    private static final String A_LETTER_OF_TWO_CHARS = "😀";

    @Autowired
    Client client;

    @Autowired
    Directory directory;

    static Stream<Arguments> badNames() {
        return Stream.of(
                arguments("empty", ""),
                arguments("blank", " \t\n\u2003\u3000"),
                arguments("no-break spaces", "\u00a0 \u2007\u202f"),
                arguments("a zero-width space", "\u200b"),
                arguments("a word joiner", "\u2060"),
                arguments("a byte order mark", "\ufeff"),
                arguments("a blank of Braille", "\u2800"),
                arguments("a filler of Hangul", "\u3164"),
                arguments("marks that turn the direction", "\u202e\u2066"),
                arguments("a blank of hieroglyphs", "\ud80d\udc41"),
                arguments("tags", "\udb40\udc41\udb40\udc7f"),
                arguments("nothing visible between spaces", "\u00a0\ufe0f\u2800\u034f \u00ad\u115f"),
                arguments("201 characters", "x".repeat(201)),
                arguments("201 characters of two chars", A_LETTER_OF_TWO_CHARS.repeat(201)),
                arguments("a line feed", "Ali\nce"),
                arguments("a tab", "Ali\tce"),
                arguments("NUL", "Ali\u0000ce"),
                arguments("NUL alone", "\u0000"),
                arguments("DEL", "Ali\u007fce"),
                arguments("a C1 control character", "Ali\u0085ce"),
                arguments("the first half of a pair", "Ali\ud83dce"),
                arguments("the second half of a pair", "Ali\ude00ce"),
                arguments("a pair the wrong way round", "Ali\ude00\ud83dce"));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("badNames")
    void rejectsInvalidName(String what, String name) {
        String user = directory.createUser();
        String group = directory.createGroup("Group", List.of());
        Object before = directory.digest();

        JsonNode data =
                client.data("""
                mutation ($name: String!, $user: ID!, $group: ID!, $email: String!) {
                  createUser(name: $name, email: $email) { user { id } errors { path code } }
                  createUsers(users: [{ name: "Bob", email: $email }, { name: $name, email: "b@example.com" }]) {
                    users { id } errors { path code }
                  }
                  updateUser(id: $user, name: $name) { user { id } errors { path code } }
                  createGroup(name: $name) { group { id } errors { path code } }
                  updateGroup(id: $group, name: $name) { group { id } errors { path code } }
                }""", Map.of("name", name, "user", user, "group", group, "email", Directory.newEmail()));

        assertThat(Directory.refusals(data.get("createUser"))).containsExactly("name INVALID");
        assertThat(Directory.refusals(data.get("createUsers"))).containsExactly("users.1.name INVALID");
        assertThat(Directory.refusals(data.get("updateUser"))).containsExactly("name INVALID");
        assertThat(Directory.refusals(data.get("createGroup"))).containsExactly("name INVALID");
        assertThat(Directory.refusals(data.get("updateGroup"))).containsExactly("name INVALID");
        assertThat(data.at("/createUser/user").isNull()).isTrue();
        assertThat(data.at("/createUsers/users")).isEmpty();
        assertThat(data.at("/updateUser/user").isNull()).isTrue();
        assertThat(data.at("/createGroup/group").isNull()).isTrue();
        assertThat(data.at("/updateGroup/group").isNull()).isTrue();
        assertThat(directory.digest()).isEqualTo(before);
    }

    static Stream<Arguments> goodNames() {
        return Stream.of(
                arguments("one character", "x", "x"),
                arguments("200 characters", "x".repeat(200), "x".repeat(200)),
                arguments(
                        "200 characters of two chars",
                        A_LETTER_OF_TWO_CHARS.repeat(200),
                        A_LETTER_OF_TWO_CHARS.repeat(200)),
                arguments("200 characters once trimmed", "  " + "x".repeat(200) + "\n", "x".repeat(200)),
                arguments("a person of two emoji", "👩\u200d🚀", "👩\u200d🚀"),
                arguments("one blank among letters", "\u2800x", "\u2800x"),
                arguments("a letter of private use", "\ue000", "\ue000"),
                arguments("space around", "\t\u3000 Alice  B. \r\n", "Alice  B."),
                arguments(
                        "what other languages mean by quotes",
                        "'; drop table users; --\"\\%_",
                        "'; drop table users; --\"\\%_"));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("goodNames")
    void storesValidName(String what, String name, String stored) {
        String user = directory.createUser();
        String group = directory.createGroup("Group", List.of());

        JsonNode data =
                client.data("""
                mutation ($name: String!, $user: ID!, $group: ID!, $email: String!) {
                  createUser(name: $name, email: $email) { user { id name } }
                  updateUser(id: $user, name: $name) { user { name } }
                  createGroup(name: $name) { group { id name } }
                  updateGroup(id: $group, name: $name) { group { name } }
                }""", Map.of("name", name, "user", user, "group", group, "email", Directory.newEmail()));

        assertThat(data.findValuesAsString("name")).hasSize(4).containsOnly(stored);
        assertThat(directory.user(user).get("name").asString()).isEqualTo(stored);
        assertThat(directory.group(group).get("name").asString()).isEqualTo(stored);
    }

    static Stream<Arguments> badEmails() {
        return Stream.of(
                arguments("empty", ""),
                arguments("no at sign", "alice.example.com"),
                arguments("no local part", "@example.com"),
                arguments("no domain", "alice@"),
                arguments("two at signs", "alice@example.com@example.com"),
                arguments("two addresses", "alice@example.com,bob@example.com"),
                arguments("a name with it", "Alice <alice@example.com>"),
                arguments("a space before", " alice@example.com"),
                arguments("a space behind", "alice@example.com "),
                arguments("a space within", "ali ce@example.com"),
                arguments("a dot at the start", ".alice@example.com"),
                arguments("a dot before the at sign", "alice.@example.com"),
                arguments("two dots in a row", "alice..b@example.com"),
                arguments("two dots in the domain", "alice@example..com"),
                arguments("a dot at the end", "alice@example.com."),
                arguments("a hyphen that starts a label", "alice@-example.com"),
                arguments("a hyphen that ends a label", "alice@example-.com"),
                arguments("a domain of other signs", "alice@exa%mple.com"),
                arguments("a local part of 65", "x".repeat(65) + "@example.com"),
                arguments("a label of 64", "alice@" + "x".repeat(64) + ".com"),
                arguments("255 characters", emailOf(255)),
                arguments("a no-break space", "ali\u00a0ce@example.com"),
                arguments("a no-break space in the domain", "alice@exam\u00a0ple.com"),
                arguments("an ideographic space", "ali\u3000ce@example.com"),
                arguments("a line separator", "ali\u2028ce@example.com"),
                arguments("a byte order mark", "\ufeffalice@example.com"),
                arguments("a mark that turns the direction", "ali\u202ece@example.com"),
                arguments("a soft hyphen", "ali\u00adce@exam\u00adple.com"),
                arguments("a variation selector", "alice\ufe0f@example.com"),
                arguments("a grapheme joiner", "alice\u034f@example.com"),
                arguments("a filler of Hangul", "alice\u3164@example.com"),
                arguments("a filler in quotes", "\"ali\uffa0ce\"@example.com"),
                arguments("an inherent vowel of Khmer", "alice\u17b4@example.com"),
                arguments("a Mongolian selector", "alice\u180b@example.com"),
                arguments("a blank of Braille", "alice\u2800@example.com"),
                arguments("a variation selector in the domain", "alice@exam\ufe0fple.com"),
                arguments("a variation selector behind the BMP", "alice@example\udb40\udd00.com"),
                arguments("an emoji in the domain", "alice@😀.example.com"),
                arguments("a symbol in the domain", "alice@☃.example.com"),
                arguments("a fraction in the domain", "alice@a½.example.com"),
                arguments("an accent that starts a label", "alice@\u0301a.example.com"),
                arguments("a line feed", "alice@example.com\n"),
                arguments("an open quote", "\"alice@example.com"),
                arguments("nothing in quotes", "\"\"@example.com"),
                arguments("an escaped letter", "\"\\a\"@example.com"),
                arguments("an IPv4 address of 256", "alice@[192.0.2.256]"),
                arguments("an IPv4 address of three numbers", "alice@[192.0.2]"),
                arguments("an IPv6 address of nine", "alice@[IPv6:1:2:3:4:5:6:7:8:9]"),
                arguments("an IPv6 address with a zone", "alice@[IPv6:fe80::1%1]"),
                arguments("a label of 63 letters that are longer in Punycode", "alice@" + "ü".repeat(63) + ".com"),
                arguments("NUL", "ali\u0000ce@example.com"),
                arguments("half a pair", "ali\ud83dce@example.com"),
                arguments("half a pair in the domain", "alice@exam\ude00ple.com"));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("badEmails")
    void rejectsInvalidEmail(String what, String email) {
        String user = directory.createUser();
        Object before = directory.digest();

        JsonNode data = client.data("""
                mutation ($email: String!, $user: ID!) {
                  createUser(name: "Alice", email: $email) { user { id } errors { path code } }
                  createUsers(users: [{ name: "Alice", email: $email }]) { users { id } errors { path code } }
                  updateUser(id: $user, email: $email) { user { id } errors { path code } }
                }""", Map.of("email", email, "user", user));

        assertThat(Directory.refusals(data.get("createUser"))).containsExactly("email INVALID");
        assertThat(Directory.refusals(data.get("createUsers"))).containsExactly("users.0.email INVALID");
        assertThat(Directory.refusals(data.get("updateUser"))).containsExactly("email INVALID");
        assertThat(directory.digest()).isEqualTo(before);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "alice@example.com",
                "Alice.B+tag@Example.COM",
                "o'neil/x=y@example.com",
                "a@b",
                "alice@localhost",
                "alice@xn--bcher-kva.example",
                "anna@bücher.example",
                "zoë@example.com",
                "用户@例子.公司",
                "\"a b\"@example.com",
                "\"a@b\".\"\\\\\\\"\".c@example.com",
                "alice@[192.0.2.1]",
                "alice@[IPv6:2001:db8::1]",
                "alice@[IPv6:::ffff:192.0.2.1]",
                "𠮷田@example.jp",
                "\"𠮷 田\"@example.jp",
                "alice@𠮷田.example.jp",
                "𐐀@𐐀.example.com",
                "𞤀𞤣@𞤀𞤣.example.com",
                "alice@ᲐᲑ.example.com",
                "alice@a_b.example.com",
                "254"
            })
    void storesEmailAsGiven(String given) {
        String email = given.equals("254") ? emailOf(254) : given;

        JsonNode data = client.data("""
                mutation ($email: String!) {
                  createUser(name: "Alice", email: $email) { user { id email } errors { path code } }
                }""", Map.of("email", email));

        assertThat(data.at("/createUser/user/email").asString()).isEqualTo(email);
        String id = data.at("/createUser/user/id").asString();
        assertThat(directory.user(id).get("email").asString()).isEqualTo(email);
    }

    /** Addresses are unique without regard to case, in every alphabet that has cases. */
    @ParameterizedTest
    @CsvSource({
        "case.latin@example.com,    Case.LATIN@Example.COM",
        "ünïcøde@example.com,       ÜNÏCØDE@EXAMPLE.com",
        "алиса@пример.example,      АЛИСА@ПРИМЕР.EXAMPLE",
        "αλίκη@example.com,         ΑΛΊΚΗ@example.com"
    })
    void rejectsEmailThatDiffersOnlyByCase(String email, String otherCase) {
        Map<String, ?> variables = Map.of("email", email, "otherCase", otherCase, "other", directory.createUser());

        JsonNode data = client.data("""
                mutation ($email: String!, $otherCase: String!, $other: ID!) {
                  first: createUser(name: "First", email: $email) { user { id } }
                  second: createUser(name: "Second", email: $otherCase) { user { id } errors { path code } }
                  batch: createUsers(users: [{ name: "Third", email: $otherCase }]) { errors { path code } }
                  update: updateUser(id: $other, email: $otherCase) { user { id } errors { path code } }
                }""", variables);

        assertThat(Directory.refusals(data.get("second"))).containsExactly("email TAKEN");
        assertThat(Directory.refusals(data.get("batch"))).containsExactly("users.0.email TAKEN");
        assertThat(Directory.refusals(data.get("update"))).containsExactly("email TAKEN");
        JsonNode found =
                client.data("query ($otherCase: String!) { userByEmail(email: $otherCase) { name email } }", variables);
        assertThat(found.at("/userByEmail/name").asString()).isEqualTo("First");
        assertThat(found.at("/userByEmail/email").asString()).isEqualTo(email);
    }

    /** The addresses look equal to a reader, or their host names are equal. */
    @ParameterizedTest
    @CsvSource({
        "σοφος@reads.example,      σοφοσ@reads.example",
        "ΣΟΦΟΣ@upper.example,      σοφος@upper.example",
        "µ@reads.example,          μ@reads.example",
        "ſon@reads.example,        son@reads.example",
        "caf\u00e9@reads.example,   cafe\u0301@reads.example",
        "\u212b@reads.example,     \u00c5@reads.example",
        "i\u0307.dot@reads.example, i.dot@reads.example",
        "\u0130.big@reads.example, I\u0307.big@reads.example",
        "a@ｒｅａｄｓ.example,        a@reads.example",
        "b@straße.example,         b@STRAẞE.example",
        "c@büro.example,           c@xn--bro-hoa.example",
        "d@bu\u0308ro.example,      d@XN--BRO-HOA.example",
        "e@xn--xn--a-9ma.example,  e@xn--xn--a-9MA.example",
        "f@κοσμος.example,         f@ΚΟΣΜΟΣ.example",
        "𐐀@𐐀.example,             𐐨@𐐨.example",
        "g@ᾳ.example,              g@αι.example"
    })
    void rejectsEquivalentEmail(String email, String alike) {
        rejectsEmailThatDiffersOnlyByCase(email, alike);
    }

    @ParameterizedTest
    @CsvSource({
        "h@straße.example,         h@strasse.example",
        "résumé@reads.example,     resume@reads.example",
        "ａ.local@reads.example,    a.local@reads.example",
        "ı@reads.example,          i.less@reads.example"
    })
    void acceptsSimilarButDistinctEmails(String email, String other) {
        JsonNode data = client.data("""
                mutation ($email: String!, $other: String!) {
                  first: createUser(name: "First", email: $email) { user { id } errors { path code } }
                  second: createUser(name: "Second", email: $other) { user { id } errors { path code } }
                }""", Map.of("email", email, "other", other));

        assertThat(Directory.refusals(data.get("first"))).isEmpty();
        assertThat(Directory.refusals(data.get("second"))).isEmpty();
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource
    void rejectsInvalidDescription(String what, String description) {
        String group = directory.createGroup("Group", List.of());
        Object before = directory.digest();

        JsonNode data = client.data("""
                mutation ($description: String, $group: ID!) {
                  createGroup(name: "Group", description: $description) { group { id } errors { path code } }
                  updateGroup(id: $group, description: $description) { group { id } errors { path code } }
                }""", Map.of("description", description, "group", group));

        assertThat(Directory.refusals(data.get("createGroup"))).containsExactly("description INVALID");
        assertThat(Directory.refusals(data.get("updateGroup"))).containsExactly("description INVALID");
        assertThat(directory.digest()).isEqualTo(before);
    }

    static Stream<Arguments> rejectsInvalidDescription() {
        return Stream.of(
                arguments("2,001 characters", "x".repeat(2001)),
                arguments("2,001 characters of two chars", A_LETTER_OF_TWO_CHARS.repeat(2001)),
                arguments("NUL", "a\u0000b"),
                arguments("half a pair", "a\ud83db"));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource
    void storesValidDescription(String what, String description) {
        JsonNode data = client.data("""
                mutation ($description: String) {
                  createGroup(name: "Group", description: $description) { group { id description } }
                }""", Map.of("description", description));

        assertThat(data.at("/createGroup/group/description").asString()).isEqualTo(description);
        String id = data.at("/createGroup/group/id").asString();
        assertThat(directory.group(id).get("description").asString()).isEqualTo(description);
    }

    static Stream<Arguments> storesValidDescription() {
        return Stream.of(
                arguments("nothing", ""),
                arguments("lines", " Who has\ta key.\r\n\nAnd who has not.\n"),
                arguments("2,000 characters", "x".repeat(2000)),
                arguments("2,000 characters of two chars", A_LETTER_OF_TWO_CHARS.repeat(2000)));
    }

    /** PostgreSQL can store neither character, so a lookup with one is an error. */
    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            userByEmail(email: $text) { id }               | email
            users(filter: { search: $text }) { totalCount } | filter.search
            groups(search: $text) { totalCount }            | search
            user(id: $text) { id }                          | id
            users(after: $text) { totalCount }              | after
            """)
    void namesTheArgumentWithInvalidCharacters(String field, String argument) {
        String type = field.startsWith("user(") ? "ID!" : "String!";
        for (String text : List.of("\u0000", "a\u0000b", "\ud83d", "a\ude00b")) {
            JsonNode error = client.error("query ($text: " + type + ") { " + field + " }", Map.of("text", text));

            assertThat(error.at("/extensions/code").asString()).isEqualTo("BAD_USER_INPUT");
            assertThat(error.at("/extensions/argument").asString()).isEqualTo(argument);
            assertThat(error.get("message").asString()).contains("`" + argument + "`");
        }
    }

    /** The same characters as escapes in a document's literals. */
    @Test
    void rejectsNulAndUnpairedSurrogateInLiterals() {
        JsonNode nul = client.data("""
                mutation { createUser(name: "a\\u0000b", email: "a\\u0000@example.com") { errors { path code } } }""");
        JsonNode half = client.error("""
                mutation { createUser(name: "a\\ud83db", email: "a@example.com") { errors { path code } } }""", Map.of());
        JsonNode pair = client.data("""
                mutation { createGroup(name: "\\ud83d\\ude00 \\u{1F600}") { group { name } } }""");

        assertThat(Directory.refusals(nul.get("createUser"))).containsExactly("name INVALID", "email INVALID");
        assertThat(half.toString()).doesNotContain("INTERNAL");
        assertThat(pair.at("/createGroup/group/name").asString()).isEqualTo("😀 😀");
    }

    /** 64 characters before the at sign and labels of 63 after it, the last one as short as necessary. */
    private static String emailOf(int length) {
        String email = "x".repeat(64) + "@" + ("y".repeat(63) + ".").repeat(2);
        return email + "z".repeat(length - email.length());
    }
}
