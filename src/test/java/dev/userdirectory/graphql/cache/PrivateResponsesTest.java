package dev.userdirectory.graphql.cache;

import static org.assertj.core.api.Assertions.assertThat;

import com.netflix.graphql.dgs.DgsComponent;
import com.netflix.graphql.dgs.DgsQuery;
import com.nimbusds.jwt.JWTClaimsSet;
import dev.userdirectory.Client;
import dev.userdirectory.DirectoryTest;
import dev.userdirectory.Tokens;
import graphql.schema.DataFetchingEnvironment;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.context.annotation.Import;
import org.springframework.security.core.context.SecurityContextHolder;
import org.springframework.security.oauth2.jwt.Jwt;
import org.springframework.test.context.TestPropertySource;

/** Responses with fields that are private to their caller. Those of our schema are not cached. */
@DirectoryTest
@Import(PrivateResponsesTest.CallersToken.class)
@TestPropertySource(
        properties = "dgs.graphql.schema-locations=classpath*:schema/*.graphqls,classpath*:private/*.graphqls")
class PrivateResponsesTest {
    @Autowired
    Client client;

    @Autowired
    MeterRegistry meters;

    @DgsComponent
    static class CallersToken {
        @DgsQuery
        String callersToken(DataFetchingEnvironment env) {
            Dependencies.of(env).add("token");
            Jwt token = (Jwt)
                    Objects.requireNonNull(SecurityContextHolder.getContext().getAuthentication())
                            .getPrincipal();
            return String.valueOf(Objects.requireNonNull(token).getId());
        }
    }

    @Test
    void privateResponsesGoToTheirOwnCaller() {
        for (List<String> subjects : List.of(List.of("alice", "bob"), List.of("", ""))) {
            Client first = with(subjects.getFirst(), "first");
            Client second = with(subjects.getLast(), "second");
            for (int i = 0; i < 5; i++) {
                assertThat(tokenOf(first)).isEqualTo("first");
                assertThat(tokenOf(second)).isEqualTo("second");
            }
        }
    }

    @Test
    void privateResponsesAreCachedForCallersWithSubject() {
        Client alice = with("alice", "first");
        double before = hits();
        for (int i = 0; i < 10; i++) {
            tokenOf(alice);
        }
        assertThat(hits()).isGreaterThan(before);
    }

    @Test
    void privateResponsesAreNotCachedForCallersWithoutSubject() {
        Client nobody = with("", "first");
        double before = hits();
        for (int i = 0; i < 10; i++) {
            tokenOf(nobody);
        }
        assertThat(hits()).isEqualTo(before);
    }

    private Client with(String subject, String tokenId) {
        JWTClaimsSet.Builder claims =
                Tokens.claims().claim("scope", "users:read").jwtID(tokenId);
        return client.withToken(
                Tokens.sign(claims.subject(subject.isEmpty() ? null : subject).build()));
    }

    private static String tokenOf(Client client) {
        return client.data("{ callersToken }").get("callersToken").asString();
    }

    private double hits() {
        return meters.get("directory.cache.requests")
                .tag("result", "hit")
                .counter()
                .count();
    }
}
