package dev.userdirectory.http;

import static org.assertj.core.api.Assertions.assertThat;

import dev.userdirectory.Client;
import dev.userdirectory.DirectoryTest;
import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.net.URLEncoder;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.test.context.TestPropertySource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Requests other than one GraphQL operation in JSON, and the headers and the status of responses. */
@DirectoryTest
@TestPropertySource(properties = "management.endpoints.web.exposure.include=*")
class HttpEdgeTest {
    private static final String CREATE =
            "mutation { createUser(name: \"Mallory\", email: \"mallory@example.com\") { user { id } } }";

    private static final Pattern CONTENT_LENGTH = Pattern.compile("(?i)\r\nContent-Length: (\\d+)\r\n");

    @Autowired
    Client client;

    @ParameterizedTest
    @ValueSource(
            strings = {
                "application/x-www-form-urlencoded",
                "multipart/form-data; boundary=x",
                "text/plain",
                "text/plain; application/json",
                "nonsense"
            })
    void rejectsContentTypesThatFormsCanSend(String contentType) {
        HttpResponse<String> response = client.send(HttpRequest.newBuilder(client.uri("/graphql"))
                .header("Content-Type", contentType)
                .POST(BodyPublishers.ofString(json(CREATE)))
                .build());

        assertThat(response.statusCode()).isEqualTo(415);
        assertThat(code(response)).isEqualTo("UNSUPPORTED_MEDIA_TYPE");
        assertThat(malloryExists()).isFalse();
    }

    static Stream<String> bodiesThatAreNotOneOperation() {
        return Stream.of("[" + json(CREATE) + "," + json("{ __typename }") + "]", "[]", "{}", "{", "1", "null", "");
    }

    @ParameterizedTest
    @MethodSource("bodiesThatAreNotOneOperation")
    void rejectsBodyThatIsNotOneOperation(String body) {
        HttpResponse<String> response = client.send(HttpRequest.newBuilder(client.uri("/graphql"))
                .header("Content-Type", "application/json")
                .POST(BodyPublishers.ofString(body))
                .build());

        assertThat(response.statusCode()).isEqualTo(400);
        assertThat(code(response)).isEqualTo("BAD_REQUEST");
        assertThat(response.body()).contains("lists of operations are not served");
        assertThat(malloryExists()).isFalse();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "application/json",
                "application/graphql-response+json",
                "text/event-stream",
                "text/event-stream, application/json"
            })
    void rejectsMutationByGet(String accept) {
        HttpResponse<String> response = client.send(HttpRequest.newBuilder(
                        client.uri("/graphql?query=" + URLEncoder.encode(CREATE, StandardCharsets.UTF_8)))
                .header("Accept", accept)
                .build());

        assertThat(response.statusCode()).isEqualTo(405);
        assertThat(response.headers().firstValue("Allow")).contains("POST");
        assertThat(code(response)).isEqualTo("METHOD_NOT_ALLOWED");
        assertThat(malloryExists()).isFalse();
    }

    @ParameterizedTest
    @ValueSource(strings = {"query=%FF", "query=%", "query=%7B__typename%7D&variables=%7B", "variables=%7B%7D", ""})
    void rejectsGetThatIsNotOneOperation(String query) throws IOException {
        String response = exchange("GET /graphql?" + query + " HTTP/1.1");

        assertThat(response).startsWith("HTTP/1.1 400").contains("\"code\":\"BAD_REQUEST\"");
    }

    @ParameterizedTest
    @ValueSource(strings = {"PUT", "PATCH", "DELETE", "OPTIONS", "QUERY", "PROPFIND", "get", "NONSENSE"})
    void rejectsOtherMethods(String method) {
        HttpResponse<String> response = client.send(HttpRequest.newBuilder(client.uri("/graphql"))
                .method(method, BodyPublishers.noBody())
                .build());

        assertThat(response.statusCode()).isEqualTo(405);
        assertThat(response.headers().firstValue("Allow").orElse("").split(", ?"))
                .containsExactlyInAnyOrder("GET", "HEAD", "POST");
        assertThat(response.body()).contains("METHOD_NOT_ALLOWED");
    }

    /** RFC 9110, 9.3.2: the headers of a GET without its body. HEAD executes no mutation and opens no stream. */
    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            query=%7B__typename%7D                       | application/json                  | 200
            query=%7B__typename%7D                       | application/graphql-response+json | 200
            query=%7B                                    | application/graphql-response+json | 400
            query=mutation%7BdeleteUser(id:1)%7B__typename%7D%7D | application/json          | 405
            query=subscription%7BuserEvents%7Btype%7D%7D | text/event-stream                 | 200
            query=%7B__typename%7D                       | text/html                         | 406
            """)
    void answersHeadAsGetWithoutBody(String query, String accept, int status) throws IOException {
        String head = "HEAD /graphql?" + query + " HTTP/1.1\r\nAccept: " + accept;
        assertThat(exchange(head))
                .startsWith("HTTP/1.1 " + status)
                .containsIgnoringCase("\r\nContent-Type: " + (status == 406 ? "application/json" : accept))
                .endsWith("\r\n\r\n");
    }

    /** RFC 6455, 4.2.2, and RFC 9110, 7.8: handshakes that are incomplete or of another version. */
    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            Upgrade: websocket / Connection: Upgrade / Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ== / Sec-WebSocket-Version: 12 | 426
            Upgrade: websocket / Connection: Upgrade / Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==                             | 426
            Upgrade: websocket / Connection: Upgrade / Sec-WebSocket-Version: 13                                               | 400
            Upgrade: websocket / Connection: Upgrade / Sec-WebSocket-Version: 13 / Sec-WebSocket-Key: short                    | 400
            Upgrade: websocket / Connection: close / Sec-WebSocket-Version: 13 / Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==   | 400
            Upgrade: websocket                                                                                                 | 400
            Connection: Upgrade                                                                                                | 400
            Upgrade: websocket / Connection: Upgrade / Authorization: Bearer bad                                               | 401
            Upgrade: websocket / Connection: Upgrade / Origin: https://evil.example                                            | 403
            """)
    void rejectsHandshakeWithGraphQlError(String headers, int status) throws IOException {
        try (Socket socket = new Socket("localhost", client.uri("/").getPort())) {
            socket.setSoTimeout(10_000);
            socket.getOutputStream()
                    .write(("GET /graphql HTTP/1.1\r\nHost: localhost\r\n" + headers.replace(" / ", "\r\n")
                                    + "\r\n\r\n")
                            .getBytes(StandardCharsets.US_ASCII));
            String response = read(socket.getInputStream());

            assertThat(response)
                    .startsWith("HTTP/1.1 " + status)
                    .containsIgnoringCase("\r\nContent-Type: application/json")
                    .containsIgnoringCase("\r\nCache-Control: no-store")
                    .contains("\r\n\r\n{\"errors\":[{", "\"code\":\"");
            if (status == 426) {
                assertThat(response).containsIgnoringCase("\r\nSec-WebSocket-Version: 13");
            }
        }
    }

    /** Reads only as far as Content-Length says, since the connection may stay open. */
    private static String read(InputStream stream) throws IOException {
        StringBuilder response = new StringBuilder();
        for (int c = stream.read(); c >= 0; c = stream.read()) {
            response.append((char) c);
            int head = response.indexOf("\r\n\r\n");
            Matcher length = CONTENT_LENGTH.matcher(response);
            if (head >= 0 && length.find() && response.length() == head + 4 + Integer.parseInt(length.group(1))) {
                break;
            }
        }
        return response.toString();
    }

    @ParameterizedTest
    @ValueSource(strings = {"gzip", "GZIP", "br", "deflate, gzip"})
    void rejectsEncodedBody(String encoding) {
        HttpResponse<String> response = client.send(HttpRequest.newBuilder(client.uri("/graphql"))
                .header("Content-Type", "application/json")
                .header("Content-Encoding", encoding)
                .POST(BodyPublishers.ofByteArray(new byte[] {0x1f, (byte) 0x8b, 8, 0, 0}))
                .build());

        assertThat(response.statusCode()).isEqualTo(415);
        assertThat(response.headers().firstValue("Accept-Encoding")).contains("identity");
        assertThat(response.body()).contains("UNSUPPORTED_MEDIA_TYPE", "Content-Encoding");
    }

    /** An event stream would keep them for as long as it is open. */
    @Test
    void rejectsManyParameters() {
        String parameters =
                IntStream.range(0, 30).mapToObj(i -> "&p" + i + "=1").collect(Collectors.joining());
        HttpResponse<String> response = client.send(get("/graphql?query=%7B__typename%7D" + parameters));

        assertThat(response.statusCode()).isEqualTo(400);
        assertThat(code(response)).isEqualTo("BAD_REQUEST");
    }

    @Test
    void acceptsIdentityEncoding() {
        HttpResponse<String> response = client.send(HttpRequest.newBuilder(client.uri("/graphql"))
                .header("Content-Type", "application/json")
                .header("Content-Encoding", "identity")
                .POST(BodyPublishers.ofString(json("{ __typename }")))
                .build());

        assertThat(response.body()).isEqualTo("{\"data\":{\"__typename\":\"Query\"}}");
    }

    @ParameterizedTest
    @ValueSource(strings = {"/graphql/", "/nothing", "/error", "/graphql/nothing", "/schema"})
    void answersUnknownPathWithNotFound(String path) {
        HttpResponse<String> response = client.send(get(path));
        assertThat(response.statusCode()).isEqualTo(404);
        assertThat(code(response)).isEqualTo("NOT_FOUND");
    }

    @Test
    void trailingSlashIsNotFoundEvenWithoutToken() {
        HttpResponse<String> response = client.anonymous()
                .send(HttpRequest.newBuilder(client.uri("/graphql/"))
                        .header("Content-Type", "application/json")
                        .POST(BodyPublishers.ofString(json("{ __typename }")))
                        .build());
        assertThat(response.statusCode()).isEqualTo(404);
        assertThat(code(response)).isEqualTo("NOT_FOUND");
    }

    @ParameterizedTest
    @ValueSource(ints = {8_000, 9_000, 20_000})
    void rejectsLongTokenWithGraphQlError(int length) throws IOException {
        String response =
                exchange("GET /graphql?query=%7B__typename%7D HTTP/1.1\r\nAuthorization: Bearer " + "a".repeat(length));

        assertThat(response).startsWith("HTTP/1.1 4").contains("\r\n\r\n{\"errors\":[{");
    }

    @ParameterizedTest
    @ValueSource(strings = {"text/html", "application/xml, image/*", "nonsense"})
    void rejectsUnsupportedAcceptHeader(String accept) {
        HttpResponse<String> get = client.send(HttpRequest.newBuilder(client.uri("/graphql?query=%7B__typename%7D"))
                .header("Accept", accept)
                .build());
        assertThat(get.statusCode()).isEqualTo(406);
        assertThat(code(get)).isEqualTo("NOT_ACCEPTABLE");

        HttpResponse<String> response = client.send(HttpRequest.newBuilder(client.uri("/graphql"))
                .header("Content-Type", "application/json")
                .header("Accept", accept)
                .POST(BodyPublishers.ofString(json(CREATE)))
                .build());

        assertThat(response.statusCode()).isEqualTo(406);
        assertThat(code(response)).isEqualTo("NOT_ACCEPTABLE");
        assertThat(malloryExists()).isFalse();
    }

    @Test
    void setsSecurityHeadersOnEveryResponse() {
        assertThat(client.anonymous().post("{ __typename }")).satisfies(HttpEdgeTest::hasSecurityHeaders);
        assertThat(client.anonymous().post(Map.of("documentId", "unknown")))
                .satisfies(HttpEdgeTest::hasSecurityHeaders);
        assertThat(client.withToken("bad").post("{ __typename }")).satisfies(HttpEdgeTest::hasSecurityHeaders);
        assertThat(client.anonymous().send(get("/nothing-here"))).satisfies(HttpEdgeTest::hasSecurityHeaders);
        assertThat(client.anonymous()
                        .send(HttpRequest.newBuilder(client.uri("/graphql"))
                                .POST(BodyPublishers.ofString("query"))
                                .build()))
                .satisfies(HttpEdgeTest::hasSecurityHeaders);
    }

    private static void hasSecurityHeaders(HttpResponse<String> response) {
        assertThat(response.headers().map())
                .hasEntrySatisfying(
                        "x-content-type-options", values -> assertThat(values).containsExactly("nosniff"))
                .hasEntrySatisfying(
                        "x-frame-options", values -> assertThat(values).containsExactly("DENY"))
                .hasEntrySatisfying(
                        "referrer-policy", values -> assertThat(values).containsExactly("no-referrer"))
                .hasEntrySatisfying(
                        "content-security-policy",
                        values -> assertThat(values).containsExactly("default-src 'none'; frame-ancestors 'none'"))
                .hasEntrySatisfying(
                        "cache-control", values -> assertThat(values).isNotEmpty())
                .doesNotContainKeys("set-cookie", "server", "x-powered-by", "access-control-allow-origin");
    }

    /** Requests that the firewall or the server itself rejects do not reach Spring Security's filters. */
    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            GET //graphql HTTP/1.1       | 400
            GET /graphql;a=b HTTP/1.1    | 400
            GET /a/../graphql HTTP/1.1   | 400
            NONSENSE /graphql HTTP/1.1   | 405
            NONSENSE /nothing HTTP/1.1   | 401
            TRACE /graphql HTTP/1.1      | 405
            GET /graphql%2f HTTP/1.1     | 400
            GET /graphql?a=[<> HTTP/1.1  | 400
            GARBAGE                      | 400
            """)
    void setsSecurityHeadersOnRequestsThatReachNoFilter(String requestLine, int status) throws IOException {
        String response = exchange(requestLine);

        assertThat(response)
                .startsWith("HTTP/1.1 " + status)
                .containsIgnoringCase("\r\nX-Content-Type-Options: nosniff\r\n")
                .containsIgnoringCase("\r\nX-Frame-Options: DENY\r\n")
                .containsIgnoringCase("\r\nReferrer-Policy: no-referrer\r\n")
                .containsIgnoringCase("\r\nContent-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\n")
                .containsIgnoringCase("\r\nContent-Type: application/json")
                .contains("{\"errors\":[{", "\"code\":\"")
                .doesNotContainIgnoringCase("\r\nServer:", "Tomcat", "Exception", "java.", "<html");
    }

    /** Tomcat and Spring would respond to these with the status alone. */
    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            GET /graphiql/page.css HTTP/1.1 / Range: bytes=1000000- | 416 | REQUESTED_RANGE_NOT_SATISFIABLE
            GET /graphql HTTP/1.1 / Expect: more                    | 417 | EXPECTATION_FAILED
            POST /graphql HTTP/1.1 / Transfer-Encoding: rot13       | 501 | NOT_IMPLEMENTED
            GET /graphql HTTP/3.0                                   | 505 | HTTP_VERSION_NOT_SUPPORTED
            """)
    void givesCodeToBareStatus(String head, int status, String code) throws IOException {
        String response = exchange(head.replace(" / ", "\r\n"));

        assertThat(response).startsWith("HTTP/1.1 " + status).contains("\"code\":\"" + code + "\"");
    }

    /** The raw response to a request that no HTTP client would send. */
    private String exchange(String requestLine) throws IOException {
        try (Socket socket = new Socket("localhost", client.uri("/").getPort())) {
            socket.setSoTimeout(10_000);
            socket.getOutputStream()
                    .write((requestLine + "\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                            .getBytes(StandardCharsets.US_ASCII));
            return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    @Test
    void rejectsPagesOfOtherOrigins() {
        HttpResponse<String> response = client.send(HttpRequest.newBuilder(client.uri("/graphql"))
                .method("OPTIONS", BodyPublishers.noBody())
                .header("Origin", "https://evil.example")
                .header("Access-Control-Request-Method", "POST")
                .header("Access-Control-Request-Headers", "authorization,content-type")
                .build());

        assertThat(response.statusCode()).isEqualTo(403);
        assertThat(response.headers().firstValue("Access-Control-Allow-Origin")).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"/actuator/health", "/actuator/health/liveness", "/actuator/health/readiness"})
    void opensHealthProbesToEverybody(String path) {
        HttpResponse<String> response = client.anonymous().send(get(path));

        assertThat(response.statusCode()).isEqualTo(200);
        assertThat(response.body()).doesNotContain("PostgreSQL", "components\":{\"db");
    }

    @ParameterizedTest
    @ValueSource(strings = {"/actuator", "/actuator/env", "/actuator/metrics", "/actuator/beans"})
    void requiresScopeForEveryOtherActuatorEndpoint(String path) {
        HttpResponse<String> anonymous = client.anonymous().send(get(path));
        assertThat(anonymous.statusCode()).isEqualTo(401);
        assertThat(anonymous.headers().firstValue("WWW-Authenticate")).contains("Bearer");
        assertThat(code(anonymous)).isEqualTo("UNAUTHENTICATED");

        HttpResponse<String> other = client.send(get(path));
        assertThat(other.statusCode()).isEqualTo(403);
        assertThat(other.headers().firstValue("WWW-Authenticate"))
                .contains("Bearer error=\"insufficient_scope\", scope=\"actuator\"");
        assertThat(code(other)).isEqualTo("FORBIDDEN");

        assertThat(client.as("actuator").send(get(path)).statusCode()).isEqualTo(200);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{ __schema { queryType { name } } }",
                "{ __type(name: \"User\") { name } }",
                "{ _service { sdl } }",
                "{ a: _service { sdl } }"
            })
    void showsTheSchemaOnlyWithToken(String document) {
        HttpResponse<String> anonymous = client.anonymous().post(document);
        assertThat(code(anonymous)).isEqualTo("UNAUTHENTICATED");
        assertThat(anonymous.body()).doesNotContain("User", "\"Query\"");

        assertThat(client.as("whatever").data(document)).isNotNull();
    }

    @Test
    void servesTheSchemaFileOnlyWithToken() {
        assertThat(client.anonymous().send(get("/schema.graphqls")).statusCode())
                .isEqualTo(401);
        assertThat(client.as("whatever").send(get("/schema.graphqls")).statusCode())
                .isNotIn(401, 403);
    }

    @Test
    void requiresTokenForUnlistedPath() {
        assertThat(client.anonymous().send(get("/application.yaml")).statusCode())
                .isEqualTo(401);
    }

    private boolean malloryExists() {
        return !client.data("{ userByEmail(email: \"mallory@example.com\") { id } }")
                .get("userByEmail")
                .isNull();
    }

    private HttpRequest get(String path) {
        return HttpRequest.newBuilder(client.uri(path)).build();
    }

    private static String json(String document) {
        return JsonMapper.shared().createObjectNode().put("query", document).toString();
    }

    private static String code(HttpResponse<String> response) {
        JsonNode body = JsonMapper.shared().readTree(response.body());
        return body.at("/errors/0/extensions/code").asString();
    }
}
