package dev.userdirectory.http;

import static org.assertj.core.api.Assertions.assertThat;

import dev.userdirectory.Client;
import dev.userdirectory.DirectoryTest;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.beans.factory.annotation.Autowired;
import tools.jackson.databind.json.JsonMapper;

/** The media type of the response to a query and to a subscription, by POST and by GET. */
@DirectoryTest
class NegotiationTest {
    private static final String SUBSCRIPTION = "subscription { userEvents { type } }";

    @Autowired
    Client client;

    /** Columns: Accept headers, separated by {@code " / "}; the response's type, which a syntax error reveals. */
    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', nullValues = "none", textBlock = """
            none                                                                      | application/json
            ``                                                                        | application/json
            */*                                                                       | application/json
            application/*                                                             | application/json
            application/json                                                          | application/json
            APPLICATION/JSON                                                          | application/json
            application/json;charset=utf-8                                            | application/json
            application/json; charset="UTF-8"                                         | application/json
            application/graphql-response+json                                         | application/graphql-response+json
            application/graphql-response+json;charset=utf-8                           | application/graphql-response+json
            application/graphql-response+json; charset=utf-8, application/json; charset=utf-8 | application/graphql-response+json
            application/graphql-response+json, application/json;q=0.9                 | application/graphql-response+json
            application/json;q=0.9, application/graphql-response+json                 | application/graphql-response+json
            application/json, application/graphql-response+json                       | application/json
            application/json;q=0.5, application/graphql-response+json;q=0.6           | application/graphql-response+json
            application/graphql-response+json;q=0.5, application/json                 | application/json
            application/graphql-response+json;q=0, */*                                | application/json
            application/json;q=0, */*                                                 | application/graphql-response+json
            application/json;q=0, application/*;q=0.1                                 | application/graphql-response+json
            */*, application/graphql-response+json                                    | application/graphql-response+json
            */*;q=0.1, application/json;q=0.2                                         | application/json
            application/graphql-response+json;charset=utf-16, application/json;q=0.1  | application/json
            text/html, application/xhtml+xml, application/xml;q=0.9, */*;q=0.8        | application/json
            text/html / application/json                                              | application/json
            text/html / application/graphql-response+json                             | application/graphql-response+json
            multipart/mixed;deferSpec=20220824, application/json                      | application/json
            multipart/mixed;boundary="graphql";subscriptionSpec=1.0, application/json | application/json
            text/event-stream                                                         | text/event-stream
            TEXT/Event-Stream; a=b                                                    | text/event-stream
            text/*                                                                    | text/event-stream
            text/event-stream, application/json                                       | application/json
            application/json, text/event-stream                                       | application/json
            text/event-stream;q=0.9, application/graphql-response+json                | application/graphql-response+json
            text/event-stream, application/json;q=0.9                                 | text/event-stream
            text/event-stream;q=0, application/json                                   | application/json
            text/event-stream, */*;q=0.1                                              | text/event-stream
            text/event-stream, application/json;q=0                                   | text/event-stream
            text/html                                                                 | 406
            application/json;q=0                                                      | 406
            application/json;charset=iso-8859-1                                       | 406
            application/xml, image/*                                                  | 406
            */*;q=0                                                                   | 406
            application/json;q=2                                                      | 406
            nonsense                                                                  | 406
            """)
    void answersQueryInAcceptedType(@Nullable String accept, String type) {
        for (HttpRequest.Builder request : requests("{")) {
            HttpResponse<String> response = client.send(with(accept, request).build());
            String given =
                    response.headers().firstValue("Content-Type").orElse("").replaceAll(";.*", "");
            if (type.equals("406")) {
                assertThat(response.statusCode()).isEqualTo(406);
                assertThat(response.body()).contains("NOT_ACCEPTABLE");
            } else {
                assertThat(given).isEqualTo(type);
                assertThat(response.body()).contains("GRAPHQL_PARSE_FAILED");
                assertThat(response.statusCode())
                        .isEqualTo(type.equals("application/graphql-response+json") ? 400 : 200);
            }
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', nullValues = "none", textBlock = """
            none                                                             | 200
            */*                                                              | 200
            application/json                                                 | 200
            application/graphql-response+json                                | 400
            multipart/mixed;boundary="graphql";subscriptionSpec=1.0,application/json | 200
            application/json, text/event-stream;q=0                          | 200
            """)
    void rejectsSubscriptionUnlessEventStreamIsAccepted(@Nullable String accept, int status) {
        for (HttpRequest.Builder request : requests(SUBSCRIPTION)) {
            HttpResponse<String> response = client.send(with(accept, request).build());
            assertThat(response.statusCode()).isEqualTo(status);
            assertThat(JsonMapper.shared().readTree(response.body()).has("data"))
                    .isFalse();
            assertThat(response.body()).contains("text/event-stream", "graphql-transport-ws", "BAD_REQUEST");
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "text/event-stream",
                "text/event-stream; charset=utf-8",
                "text/event-stream, application/json",
                "application/json, text/event-stream",
                "application/graphql-response+json, application/json;q=0.9, text/event-stream;q=0.1",
                "application/json / text/event-stream;a=b",
                "multipart/mixed, text/event-stream, */*"
            })
    void opensStreamForSubscription(String accept) throws IOException, InterruptedException {
        for (HttpRequest.Builder request : requests(SUBSCRIPTION)) {
            HttpResponse<java.io.InputStream> response = HttpClient.newHttpClient()
                    .send(
                            with(accept, request)
                                    .header(
                                            "Authorization",
                                            "Bearer " + dev.userdirectory.Tokens.withScopes("users:read"))
                                    .build(),
                            BodyHandlers.ofInputStream());
            try (BufferedReader lines =
                    new BufferedReader(new InputStreamReader(response.body(), StandardCharsets.UTF_8))) {
                assertThat(response.statusCode()).isEqualTo(200);
                assertThat(response.headers().firstValue("Content-Type").orElse(""))
                        .startsWith("text/event-stream");
                assertThat(lines.readLine()).startsWith(":"); // is subscribed
            }
        }
    }

    /** The headers by which a private cache must distinguish responses (RFC 9111, 4.1). */
    @ParameterizedTest
    @ValueSource(strings = {"GET", "POST"})
    void varyListsTheRequestHeadersThatMatter(String method) {
        HttpRequest.Builder request = method.equals("GET")
                ? get("{ users(first: 0) { nodes { id } } }")
                : post("{ users(first: 0) { nodes { id } } }");
        HttpResponse<String> response = client.send(request.build());
        assertThat(response.headers().firstValue("Cache-Control").orElse("")).contains("private");
        assertThat(String.join(", ", response.headers().allValues("Vary")).split(", "))
                .contains("Authorization", "Accept", "GraphQL-Cost", "apollo-federation-include-trace");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            *                   | 304
            `"other", *`        | 200
            "other"             | 200
            """)
    void comparesEntityTags(String ifNoneMatch, int status) {
        for (String method : List.of("GET", "HEAD")) {
            HttpResponse<String> response = client.send(get("{ users(first: 0) { nodes { id } } }")
                    .method(method, BodyPublishers.noBody())
                    .header("If-None-Match", ifNoneMatch)
                    .build());
            assertThat(response.statusCode()).as(method).isEqualTo(status);
        }
    }

    /** A browser must revalidate its copy, by the tag, before it uses it again. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "application/json",
                "application/graphql-response+json",
                "text/event-stream, application/json",
                "application/json, text/event-stream;q=0.1",
                "text/*;q=0.1, */*"
            })
    void getCanBeRevalidatedForEveryAcceptHeader(String accept) {
        HttpRequest.Builder request =
                get("{ users(first: 0) { nodes { id } } }").header("Accept", accept);
        HttpResponse<String> response = client.send(request.build());
        String tag = response.headers().firstValue("ETag").orElse("");

        assertThat(response.headers().firstValue("Cache-Control")).contains("no-cache, private");
        assertThat(tag).startsWith("\"");
        assertThat(client.send(request.copy().header("If-None-Match", tag).build())
                        .statusCode())
                .isEqualTo(304);
        HttpResponse<String> head = client.send(
                request.copy().method("HEAD", BodyPublishers.noBody()).build());
        assertThat(head.headers().firstValue("ETag")).contains(tag);
    }

    /** RFC 9110, 8.8.1: the two JSON types are two representations, though of the same content. */
    @Test
    void tagsJsonTypesDifferently() {
        assertThat(Stream.of("application/json", "application/graphql-response+json")
                        .map(accept -> client.send(get("{ users(first: 0) { nodes { id } } }")
                                        .header("Accept", accept)
                                        .build())
                                .headers()
                                .firstValue("ETag")
                                .orElseThrow()))
                .doesNotHaveDuplicates();
    }

    private Iterable<HttpRequest.Builder> requests(String document) {
        return Stream.of(post(document), get(document)).toList();
    }

    private HttpRequest.Builder post(String document) {
        return HttpRequest.newBuilder(client.uri("/graphql"))
                .header("Content-Type", "application/json")
                .POST(BodyPublishers.ofString(JsonMapper.shared().writeValueAsString(Map.of("query", document))));
    }

    private HttpRequest.Builder get(String document) {
        return HttpRequest.newBuilder(
                client.uri("/graphql?query=" + URLEncoder.encode(document, StandardCharsets.UTF_8)));
    }

    /** Several headers are separated by {@code " / "}. */
    private static HttpRequest.Builder with(@Nullable String accept, HttpRequest.Builder request) {
        if (accept != null) {
            for (String line : accept.split(" / ", -1)) {
                request.header("Accept", line);
            }
        }
        return request;
    }
}
