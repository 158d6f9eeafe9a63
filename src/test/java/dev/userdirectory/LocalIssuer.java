package dev.userdirectory;

import java.net.InetAddress;
import no.nav.security.mock.oauth2.MockOAuth2Server;
import no.nav.security.mock.oauth2.OAuth2Config;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.boot.test.context.TestConfiguration;
import org.springframework.context.annotation.Bean;

/** An identity provider next to the service. Its tokens have the scopes that a client requests, and its name as an address. */
@TestConfiguration(proxyBeanMethods = false)
class LocalIssuer {
    private static final String CONFIGURATION = """
            {
              "tokenCallbacks": [{
                "issuerId": "default",
                "requestMappings": [
                  {"requestParam": "scope", "match": "*", "claims":
                    {"sub": "${clientId}", "aud": "user-directory", "scope": "${scope}",
                     "email": "${clientId}@example.com", "email_verified": true}},
                  {"requestParam": "grant_type", "match": "*", "claims":
                    {"sub": "${clientId}", "aud": "user-directory", "scope": "users:read users:write users:self",
                     "email": "${clientId}@example.com", "email_verified": true}}
                ]
              }]
            }
            """;

    @Bean(destroyMethod = "shutdown")
    MockOAuth2Server tokenEndpoint(
            @Value("${directory.local-issuer.address}") InetAddress address,
            @Value("${directory.local-issuer.port}") int port) {
        MockOAuth2Server issuer = new MockOAuth2Server(OAuth2Config.Companion.fromJson(CONFIGURATION));
        issuer.start(address, port);
        return issuer;
    }
}
