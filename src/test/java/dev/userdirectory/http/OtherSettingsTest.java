package dev.userdirectory.http;

import static org.assertj.core.api.Assertions.assertThat;

import dev.userdirectory.Client;
import dev.userdirectory.DirectoryTest;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.test.context.TestPropertySource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The service with an unreachable issuer, another origin, open introspection, and no federation SDL or GraphiQL. */
@DirectoryTest
@TestPropertySource(
        properties = {
            "spring.security.oauth2.resourceserver.jwt.issuer-uri=http://localhost:1/issuer",
            "spring.graphql.cors.allowed-origins=https://app.example",
            "directory.security.introspection=open",
            "directory.security.service-sdl=off",
            "directory.security.graphiql=false"
        })
class OtherSettingsTest {
    @Autowired
    Client client;

    @Test
    void answers503WhileTokensCannotBeChecked() {
        HttpResponse<String> response = client.post("{ __typename }");

        assertThat(response.statusCode()).isEqualTo(503);
        assertThat(response.headers().firstValue("Retry-After")).contains("10");
        assertThat(response.headers().firstValue("WWW-Authenticate")).isEmpty();
        assertThat(error(response).at("/extensions/code").asString()).isEqualTo("UNAVAILABLE");
        assertThat(response.body()).doesNotContain("localhost", "refused", "Exception");
    }

    @Test
    void opensIntrospectionToEverybody() {
        assertThat(client.anonymous()
                        .post("{ __schema { queryType { name } } }")
                        .body())
                .contains("\"Query\"")
                .doesNotContain("errors");
    }

    @Test
    void switchesTheFederationSdlOff() {
        HttpResponse<String> response = client.anonymous().post("{ _service { sdl } }");

        assertThat(error(response).at("/extensions/code").asString()).isEqualTo("SWITCHED_OFF");
        assertThat(error(response).get("message").asString()).isEqualTo("`_service` is switched off");
        assertThat(client.anonymous()
                        .send(HttpRequest.newBuilder(client.uri("/schema.graphqls"))
                                .build())
                        .statusCode())
                .isEqualTo(401);
    }

    @Test
    void switchesGraphiqlOff() {
        for (String path : List.of("/graphiql", "/graphiql/page.js", "/graphiql/lib/graphiql.min.js")) {
            assertThat(get(path).statusCode()).as(path).isEqualTo(401);
        }
        assertThat(get("/").body()).doesNotContain("href=\"graphiql\"", "href=\"schema.graphqls\"");
        for (String path : List.of("/graphiql/page.css", "/graphiql/front.js")) {
            assertThat(get(path).statusCode()).as(path).isEqualTo(200);
        }
    }

    private HttpResponse<String> get(String path) {
        return client.anonymous().send(HttpRequest.newBuilder(client.uri(path)).build());
    }

    @Test
    void allowsConfiguredOrigins() {
        HttpResponse<String> preflight = client.anonymous()
                .send(HttpRequest.newBuilder(client.uri("/graphql"))
                        .method("OPTIONS", BodyPublishers.noBody())
                        .header("Origin", "https://app.example")
                        .header("Access-Control-Request-Method", "POST")
                        .header("Access-Control-Request-Headers", "authorization,content-type")
                        .build());
        assertThat(preflight.statusCode()).isEqualTo(200);
        assertThat(preflight.headers().firstValue("Access-Control-Allow-Origin"))
                .contains("https://app.example");
        assertThat(preflight.headers().firstValue("Access-Control-Allow-Headers"))
                .contains("authorization, content-type");

        HttpResponse<String> refused = client.send(HttpRequest.newBuilder(client.uri("/graphql"))
                .header("Origin", "https://app.example")
                .header("Content-Type", "application/json")
                .POST(BodyPublishers.ofString("{\"query\":\"{ __typename }\"}"))
                .build());
        assertThat(refused.statusCode()).isEqualTo(503);
        assertThat(refused.headers().firstValue("Access-Control-Allow-Origin")).contains("https://app.example");
    }

    private static JsonNode error(HttpResponse<String> response) {
        return JsonMapper.shared().readTree(response.body()).at("/errors/0");
    }
}
