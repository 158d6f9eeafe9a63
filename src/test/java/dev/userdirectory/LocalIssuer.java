package dev.userdirectory;

import java.net.InetAddress;
import java.util.Map;
import no.nav.security.mock.oauth2.MockOAuth2Server;
import no.nav.security.mock.oauth2.OAuth2Config;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.boot.test.context.TestConfiguration;
import org.springframework.context.annotation.Bean;
import org.springframework.http.MediaType;
import org.springframework.util.LinkedMultiValueMap;
import org.springframework.util.MultiValueMap;
import org.springframework.web.client.RestClient;
import org.springframework.web.servlet.function.RouterFunction;
import org.springframework.web.servlet.function.RouterFunctions;
import org.springframework.web.servlet.function.ServerResponse;

/** An identity provider next to the service. Its tokens have the scopes that a client requests. */
@TestConfiguration(proxyBeanMethods = false)
class LocalIssuer {
    private static final Logger log = LoggerFactory.getLogger(LocalIssuer.class);
    private static final String SCOPES = "users:read users:write";
    private static final String CONFIGURATION = """
            {
              "tokenCallbacks": [{
                "issuerId": "default",
                "requestMappings": [
                  {"requestParam": "scope", "match": "*", "claims":
                    {"sub": "${clientId}", "aud": "user-directory", "scope": "${scope}"}},
                  {"requestParam": "grant_type", "match": "*", "claims":
                    {"sub": "${clientId}", "aud": "user-directory", "scope": "%s"}}
                ]
              }]
            }
            """.formatted(SCOPES);

    @Bean(destroyMethod = "shutdown")
    MockOAuth2Server tokenEndpoint(@Value("${directory.local-issuer.port}") int port) {
        MockOAuth2Server issuer = new MockOAuth2Server(OAuth2Config.Companion.fromJson(CONFIGURATION));
        issuer.start(InetAddress.getLoopbackAddress(), port);
        log.info("Tokens are given out by http://localhost:{}/default/token", port);
        return issuer;
    }

    /** Gets a token for GraphiQL, which cannot request it from the issuer, since that has another origin. */
    @Bean
    RouterFunction<ServerResponse> signIn(
            @Value("${spring.security.oauth2.resourceserver.jwt.issuer-uri}") String issuer) {
        RestClient client = RestClient.create(issuer);
        MultiValueMap<String, String> form = new LinkedMultiValueMap<>();
        form.setAll(Map.of(
                "grant_type", "client_credentials",
                "client_id", "graphiql",
                "client_secret", "local",
                "scope", SCOPES));
        return RouterFunctions.route()
                .GET("/graphiql/sign-in", request -> {
                    Token token = client.post()
                            .uri("/token")
                            .contentType(MediaType.APPLICATION_FORM_URLENCODED)
                            .body(form)
                            .retrieve()
                            .requiredBody(Token.class);
                    return ServerResponse.ok().body(token);
                })
                .build();
    }

    private record Token(String access_token) {}
}
