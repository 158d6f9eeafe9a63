package dev.userdirectory;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.Map;
import org.springframework.boot.test.context.TestComponent;
import org.springframework.boot.web.server.context.WebServerApplicationContext;
import org.springframework.context.annotation.Lazy;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A client of the service under test: sends GraphQL over HTTP and shows what came back. */
@TestComponent
@Lazy
public class Client {
    private static final JsonMapper JSON = JsonMapper.shared();

    private final HttpClient http = HttpClient.newHttpClient();
    private final WebServerApplicationContext server;

    Client(WebServerApplicationContext server) {
        this.server = server;
    }

    public URI uri(String path) {
        return URI.create("http://localhost:" + server.getWebServer().getPort() + path);
    }

    /** The whole response: {@code data}, {@code errors}, {@code extensions}. */
    public JsonNode execute(String document, Map<String, ?> variables) {
        HttpRequest request = HttpRequest.newBuilder(uri("/graphql"))
                .header("Content-Type", "application/json")
                .header("Accept", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString(
                        JSON.writeValueAsString(Map.of("query", document, "variables", variables))))
                .build();
        return JSON.readTree(send(request).body());
    }

    /** The data of a response that must not have errors. */
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

    /** The only error of a response that must have one. */
    public JsonNode error(String document, Map<String, ?> variables) {
        JsonNode errors = execute(document, variables).path("errors");
        if (errors.size() != 1) {
            throw new AssertionError("One error expected, not " + errors);
        }
        return errors.get(0);
    }

    public HttpResponse<String> send(HttpRequest request) {
        try {
            return http.send(request, HttpResponse.BodyHandlers.ofString());
        } catch (IOException e) {
            throw new AssertionError(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        }
    }
}
