package dev.userdirectory.export;

import static org.assertj.core.api.Assertions.assertThat;

import dev.userdirectory.Client;
import dev.userdirectory.Directory;
import dev.userdirectory.DirectoryTest;
import dev.userdirectory.Tokens;
import dev.userdirectory.Waiting;
import dev.userdirectory.group.Group;
import dev.userdirectory.relay.GlobalId;
import dev.userdirectory.relay.NodeType;
import dev.userdirectory.user.User;
import io.micrometer.core.instrument.MeterRegistry;
import java.io.ByteArrayInputStream;
import java.net.Socket;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.OffsetDateTime;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.jdbc.core.JdbcTemplate;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

@DirectoryTest
class ExportTest {
    /** All characters that PostgreSQL stores and JSON escapes, all line ends, and a character of four bytes. */
    private static final String ODD = "\u0001\b\t\n\f\r\u001f \"\\/ \u007f\u0085\u2028\u2029\ufeff\uffff é 😀";

    @Autowired
    Client client;

    @Autowired
    Directory directory;

    @Autowired
    JdbcTemplate jdbc;

    @Autowired
    MeterRegistry meters;

    /** The next change of such a user would exceed the type of the column. */
    @AfterEach
    void deleteLastVersion() {
        jdbc.update("delete from users where version = 2147483647");
    }

    @Test
    void exportContainsEachRow() {
        String user = directory.createUser();
        directory.createGroup("Team", List.of(user, directory.createUser()));
        jdbc.update(
                "insert into users (id, name, email, active, created_at, updated_at, version)"
                        + " values (uuidv7(), ?, ?, false, '1970-01-01', '9999-12-31 23:59:59.123456Z', 2147483647)",
                ODD,
                Directory.newEmail());
        jdbc.update(
                "insert into groups (id, name, description, created_at, updated_at, version)"
                        + " values (uuidv7(), ?, ?, now(), now(), 1), (uuidv7(), '', null, now(), now(), 0)",
                ODD,
                ODD);

        List<JsonNode> lines = new ExportClient(client).lines();

        assertThat(rows(lines, "user"))
                .containsExactlyInAnyOrderElementsOf(jdbc.query(
                        "select * from users",
                        (row, number) -> List.of(
                                id(User.TYPE, row.getObject("id", UUID.class)),
                                row.getString("name"),
                                row.getString("email"),
                                row.getBoolean("active"),
                                shown(row.getObject("created_at", OffsetDateTime.class)),
                                shown(row.getObject("updated_at", OffsetDateTime.class)),
                                row.getInt("version"))));
        assertThat(rows(lines, "group"))
                .containsExactlyInAnyOrderElementsOf(jdbc.query(
                        "select * from groups",
                        (row, number) -> List.of(
                                id(Group.TYPE, row.getObject("id", UUID.class)),
                                row.getString("name"),
                                String.valueOf(row.getString("description")),
                                shown(row.getObject("created_at", OffsetDateTime.class)),
                                shown(row.getObject("updated_at", OffsetDateTime.class)),
                                row.getInt("version"))));
        assertThat(rows(lines, "member"))
                .containsExactlyElementsOf(jdbc.query(
                        "select * from group_members order by group_id, joined_at, user_id",
                        (row, number) -> List.of(
                                id(Group.TYPE, row.getObject("group_id", UUID.class)),
                                id(User.TYPE, row.getObject("user_id", UUID.class)))));
        assertThat(lines.getLast().propertyNames()).containsExactly("cursor");
    }

    @Test
    void showsObjectsAsTheSchemaDoes() {
        String user = directory.createUser();
        String group = directory.createGroup("Team", List.of(user));

        List<JsonNode> lines = new ExportClient(client).lines();

        assertThat(object(lines, "user", user)).isEqualTo(visible("User", user));
        assertThat(object(lines, "group", group)).isEqualTo(visible("Group", group));
    }

    @Test
    void compressesOnRequest() throws Exception {
        HttpRequest request = HttpRequest.newBuilder(client.uri("/export"))
                .header("Authorization", "Bearer " + Tokens.withScopes("users:read"))
                .header("Accept-Encoding", "gzip")
                .build();
        directory.createUser();

        HttpResponse<byte[]> response =
                HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofByteArray());

        assertThat(response.headers().firstValue("Content-Encoding")).contains("gzip");
        assertThat(response.headers().allValues("Vary")).anyMatch(value -> value.contains("accept-encoding"));
        byte[] lines = new GZIPInputStream(new ByteArrayInputStream(response.body())).readAllBytes();
        assertThat(new String(lines, StandardCharsets.UTF_8).lines().map(JsonMapper.shared()::readTree))
                .hasSizeGreaterThan(1);
        HttpResponse<String> plain = new ExportClient(client).get();
        assertThat(plain.headers().firstValue("Content-Encoding")).isEmpty();
        assertThat(plain.headers().firstValue("Content-Type")).contains("application/jsonl");
        assertThat(plain.headers().firstValue("Cache-Control").orElse("")).contains("no-store");
    }

    @Test
    void requiresATokenWithTheScope() {
        double withoutToken = denied("no_token");
        double withoutScope = denied("scope");

        HttpResponse<String> anonymous = new ExportClient(client.anonymous()).get();
        HttpResponse<String> writer = new ExportClient(client.as("users:write", "actuator")).get();

        assertThat(anonymous.statusCode()).isEqualTo(401);
        assertThat(anonymous.headers().firstValue("WWW-Authenticate")).contains("Bearer");
        assertThat(anonymous.body()).contains("\"UNAUTHENTICATED\"");
        assertThat(writer.statusCode()).isEqualTo(403);
        assertThat(writer.headers().firstValue("WWW-Authenticate"))
                .contains("Bearer error=\"insufficient_scope\", scope=\"users:read\"");
        assertThat(writer.body()).contains("\"FORBIDDEN\"", "`users:read`");
        // They are counted after the response.
        Waiting.until(() -> denied("no_token") == withoutToken + 1 && denied("scope") == withoutScope + 1);
        assertThat(new ExportClient(client.as("users:read")).get().statusCode()).isEqualTo(200);
    }

    @Test
    void rejectsPagesOfOtherSites() {
        HttpResponse<String> response = client.send(HttpRequest.newBuilder(client.uri("/export"))
                .header("Origin", "https://other.example")
                .build());

        assertThat(response.statusCode()).isEqualTo(403);
    }

    @ParameterizedTest
    @ValueSource(strings = {"POST", "PUT", "DELETE", "NONSENSE"})
    void rejectsOtherMethods(String method) {
        HttpResponse<String> response = client.send(HttpRequest.newBuilder(client.uri("/export"))
                .method(method, BodyPublishers.noBody())
                .build());

        assertThat(response.statusCode()).isEqualTo(405);
        assertThat(response.headers().firstValue("Allow")).contains("GET,HEAD");
        assertThat(response.body()).contains("METHOD_NOT_ALLOWED");
    }

    @Test
    void headTakesNoSnapshot() {
        double before = lines();
        HttpResponse<String> response = client.send(HttpRequest.newBuilder(client.uri("/export"))
                .method("HEAD", BodyPublishers.noBody())
                .build());

        assertThat(response.statusCode()).isEqualTo(200);
        assertThat(response.headers().firstValue("Content-Type")).contains("application/jsonl");
        assertThat(lines()).isEqualTo(before);
    }

    @Test
    void countsLines() {
        double before = lines();
        int exported = new ExportClient(client).lines().size();

        assertThat(lines()).isEqualTo(before + exported - 1);
    }

    @Test
    void exportEndsIfTheClientReadsNothing() throws Exception {
        ExportClient.makeLarge(jdbc);
        try (Socket socket = new ExportClient(client).open()) {
            Waiting.until(() -> ExportClient.snapshots() == 1);
            Waiting.until(() -> ExportClient.snapshots() == 0);
            assertThat(socket.isClosed()).isFalse();
        } finally {
            ExportClient.makeSmall(jdbc);
        }
    }

    private double denied(String reason) {
        return meters.get("directory.denied").tag("reason", reason).counter().count();
    }

    private double lines() {
        return meters.get("directory.exports.lines").counter().count();
    }

    /** Truncates the time to milliseconds, as DateTime does. */
    private static OffsetDateTime shown(OffsetDateTime time) {
        return time.truncatedTo(ChronoUnit.MILLIS);
    }

    private static String id(NodeType type, UUID uuid) {
        return new GlobalId(type, uuid).toString();
    }

    /** The object with all fields that have no arguments, as GraphQL shows it to the scope of exports. */
    private JsonNode visible(String type, String id) {
        List<String> fields = client
                .data(
                        "query ($type: String!) { __type(name: $type) { fields { name args { name } } } }",
                        Map.of("type", type))
                .at("/__type/fields")
                .values()
                .stream()
                .filter(field -> field.get("args").isEmpty())
                .map(field -> field.get("name").asString())
                .toList();
        return client.as("users:read")
                .data(
                        "query ($id: ID!) { node(id: $id) { ... on %s { %s } } }"
                                .formatted(type, String.join(" ", fields)),
                        Map.of("id", id))
                .get("node");
    }

    private static JsonNode object(List<JsonNode> lines, String type, String id) {
        return lines.stream()
                .map(line -> line.path(type))
                .filter(object -> object.path("id").asString("").equals(id))
                .findFirst()
                .orElseThrow();
    }

    /** The values of each object of a type, in the order of its fields. */
    private static List<List<Object>> rows(List<JsonNode> lines, String type) {
        List<List<Object>> rows = new ArrayList<>();
        for (JsonNode line : lines) {
            if (line.has(type)) {
                List<Object> row = new ArrayList<>();
                line.get(type).forEachEntry((name, value) -> row.add(value(name, value)));
                rows.add(row);
            }
        }
        return rows;
    }

    private static Object value(String name, JsonNode value) {
        if (name.endsWith("At")) {
            return OffsetDateTime.parse(value.asString());
        }
        return value.isBoolean()
                ? value.asBoolean()
                : value.isNumber() ? value.asInt() : String.valueOf(value.isNull() ? null : value.asString());
    }
}
