package dev.userdirectory.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import dev.userdirectory.Client;
import dev.userdirectory.DirectoryTest;
import graphql.language.ObjectTypeDefinition;
import graphql.schema.idl.SchemaParser;
import graphql.schema.idl.TypeDefinitionRegistry;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.info.BuildProperties;

@DirectoryTest
class WebPagesTest {
    @Autowired
    Client client;

    @Autowired
    ObjectProvider<BuildProperties> build;

    @Test
    void frontPageLinksToPagesThatNeedNoToken() {
        List<String> links = Pattern.compile("<a href=\"([^\"]+)\"")
                .matcher(get("/").body())
                .results()
                .map(link -> link.group(1))
                .toList();

        assertThat(links).containsExactly("graphiql", "actuator/health");
        assertThat(links)
                .allSatisfy(link -> assertThat(client.anonymous()
                                .send(HttpRequest.newBuilder(client.uri("/" + link))
                                        .build())
                                .statusCode())
                        .isEqualTo(200));
    }

    @Test
    void frontPageShowsTheVersionOfABuild() {
        assumeThat(build.getIfAvailable()).isNotNull();

        assertThat(get("/").body()).contains("Version " + build.getObject().getVersion());
    }

    @Test
    void offersNoLocalSignInWithoutLocalTokenUri() {
        assertThat(get("/").body()).contains("https://issuer.example/token", "those of your identity provider");
        assertThat(get("/graphiql").body()).doesNotContain("sign-in");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"/", "/graphiql", "/graphiql/page.js", "/graphiql/page.css", "/graphiql/lib/graphiql.min.js"})
    void pagesCannotConnectToOtherOriginsOrBeFramed(String path) {
        HttpResponse<String> response = get(path);

        assertThat(response.statusCode()).isEqualTo(200);
        assertThat(response.headers().allValues("Content-Security-Policy"))
                .singleElement()
                .asString()
                .contains("default-src 'none'", "script-src 'self';", "connect-src 'self';", "frame-ancestors 'none'")
                .doesNotContain("unsafe");
        assertThat(response.headers().allValues("X-Content-Type-Options")).containsExactly("nosniff");
        assertThat(response.headers().allValues("Referrer-Policy")).containsExactly("no-referrer");
    }

    @Test
    void browserKeepsAFileUntilItsContentChanges() {
        HttpResponse<String> page = get("/graphiql/page.js");
        String tag = page.headers().firstValue("ETag").orElseThrow();

        assertThat(page.headers().firstValue("Last-Modified")).isEmpty();
        assertThat(get("/graphiql/page.css").headers().firstValue("ETag")).get().isNotEqualTo(tag);
        assertThat(client.send(HttpRequest.newBuilder(client.uri("/graphiql/page.js"))
                                .header("If-None-Match", tag)
                                .build())
                        .statusCode())
                .isEqualTo(304);
    }

    @ParameterizedTest
    @ValueSource(strings = {"/graphql-ui/index.html", "/graphql-ui/render.js", "/graphiql/render.js"})
    void servesNothingElse(String path) {
        assertThat(get(path).statusCode()).isBetween(401, 404);
    }

    @Test
    void servesTheSchemaAsTextWithItsPolicies() {
        HttpResponse<String> response = get("/schema.graphqls");
        TypeDefinitionRegistry schema = new SchemaParser().parse(response.body());

        assertThat(response.headers().firstValue("Content-Type")).contains("text/plain;charset=UTF-8");
        assertThat(response.body())
                .startsWith("extend schema")
                .contains(
                        "\"A reason why a mutation, or one of the users in `createUsers` with the mode `EACH`, was rejected. What is rejected changes nothing.\"");
        assertThat(schema.getTypes(ObjectTypeDefinition.class))
                .filteredOn(type -> type.hasDirective("requiresScopes"))
                .extracting(ObjectTypeDefinition::getName)
                .containsExactlyInAnyOrder("User", "Group");
    }

    private HttpResponse<String> get(String path) {
        return client.send(HttpRequest.newBuilder(client.uri(path)).build());
    }
}
