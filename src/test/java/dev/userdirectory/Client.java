package dev.userdirectory;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.function.IntSupplier;
import org.jspecify.annotations.Nullable;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.test.context.TestComponent;
import org.springframework.boot.web.server.context.WebServerApplicationContext;
import org.springframework.context.annotation.Lazy;
import tools.jackson.core.json.JsonWriteFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * A client of the service under test, which sends GraphQL over HTTP. By default, it sends a token with every scope.
 */
@TestComponent
@Lazy
public class Client {
    /** Escapes unpaired surrogates, which UTF-8 cannot encode, so that they arrive unchanged. */
    private static final JsonMapper JSON =
            JsonMapper.builder().enable(JsonWriteFeature.ESCAPE_NON_ASCII).build();

    static {
        // A client can act as a page of another origin only if it may set the Origin header.
        System.setProperty("jdk.httpclient.allowRestrictedHeaders", "origin");
    }

    private static final HttpClient HTTP = HttpClient.newHttpClient();

    private final IntSupplier port;
    private final @Nullable String token;

    @Autowired
    Client(WebServerApplicationContext server) {
        this(() -> server.getWebServer().getPort());
    }

    /** A client of a service that listens to that port. */
    Client(IntSupplier port) {
        this(port, Tokens.withScopes("users:read users:write"));
    }

    private Client(IntSupplier port, @Nullable String token) {
        this.port = port;
        this.token = token;
    }

    /** Returns the same client with a token that has these scopes. */
    public Client as(String... scopes) {
        return withToken(Tokens.withScopes(String.join(" ", scopes)));
    }

    public Client withToken(String token) {
        return new Client(port, token);
    }

    public Client anonymous() {
        return new Client(port, null);
    }

    public URI uri(String path) {
        return URI.create("http://localhost:" + port.getAsInt() + path);
    }

    /** Returns the raw response. */
    public HttpResponse<String> post(String document) {
        return post(document, Map.of());
    }

    public HttpResponse<String> post(String document, Map<String, ?> variables) {
        return post(Map.of("query", document, "variables", variables));
    }

    /** @param body the members of the request, valid or not */
    public HttpResponse<String> post(Map<String, ?> body) {
        return send(HttpRequest.newBuilder(uri("/graphql"))
                .header("Content-Type", "application/json")
                .header("Accept", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString(JSON.writeValueAsString(body)))
                .build());
    }

    /** Returns the whole response: {@code data}, {@code errors}, {@code extensions}. */
    public JsonNode execute(String document, Map<String, ?> variables) {
        return JSON.readTree(post(document, variables).body());
    }

    /** Returns the data of the response, which must not have errors. */
    public JsonNode data(String document, Map<String, ?> variables) {
        JsonNode response = execute(document, variables);
        if (response.has("errors")) {
            throw new AssertionError("Not expected: " + response);
        }
        return response.get("data");
    }

    public JsonNode data(String document) {
        return data(document, Map.of());
    }

    /** Returns the only error of the response, which must have one. */
    public JsonNode error(String document, Map<String, ?> variables) {
        JsonNode errors = execute(document, variables).path("errors");
        if (errors.size() != 1) {
            throw new AssertionError("One error expected, not " + errors);
        }
        return errors.get(0);
    }

    /** Sends a request on a new connection. To disconnect, close the socket. */
    public Socket open(String document, Map<String, ?> variables) throws IOException {
        Socket socket = new Socket("localhost", uri("/").getPort());
        write(socket, document, variables);
        return socket;
    }

    public void write(Socket socket, String document, Map<String, ?> variables) throws IOException {
        byte[] body = JSON.writeValueAsBytes(Map.of("query", document, "variables", variables));
        ByteArrayOutputStream request = new ByteArrayOutputStream();
        request.writeBytes("""
                POST /graphql HTTP/1.1\r
                Host: localhost\r
                Authorization: Bearer %s\r
                Content-Type: application/json\r
                Content-Length: %d\r
                \r
                """.formatted(token, body.length).getBytes(StandardCharsets.US_ASCII));
        request.writeBytes(body);
        socket.getOutputStream().write(request.toByteArray());
    }

    /** Adds the token, unless the request has one. */
    public HttpResponse<String> send(HttpRequest request) {
        boolean add =
                token != null && request.headers().firstValue("Authorization").isEmpty();
        HttpRequest.Builder builder = HttpRequest.newBuilder(request, (name, value) -> true);
        try {
            return HTTP.send(
                    add ? builder.header("Authorization", "Bearer " + token).build() : request,
                    HttpResponse.BodyHandlers.ofString());
        } catch (IOException e) {
            throw new AssertionError(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        }
    }
}
