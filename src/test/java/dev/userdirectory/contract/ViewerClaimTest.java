package dev.userdirectory.contract;

import static dev.userdirectory.Directory.refusals;
import static org.assertj.core.api.Assertions.assertThat;

import dev.userdirectory.Client;
import dev.userdirectory.Directory;
import dev.userdirectory.DirectoryTest;
import dev.userdirectory.SharedSettings;
import dev.userdirectory.Tokens;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.annotation.Autowired;
import tools.jackson.databind.JsonNode;

/** Users are matched by the claim of an issuer that does not say {@code email_verified}. */
@DirectoryTest
@SharedSettings // the claim
class ViewerClaimTest {
    @Autowired
    Client client;

    @Autowired
    Directory directory;

    @Test
    void matchesByTheConfiguredClaimAlone() {
        String id = directory.createUser();
        String email = directory.user(id).get("email").asString();

        assertThat(viewer(Map.of("upn", email)).at("/user/id").asString()).isEqualTo(id);
        assertThat(viewer(Map.of("email", email, "email_verified", true))
                        .at("/user")
                        .isNull())
                .isTrue();
    }

    @Test
    void namesTheConfiguredClaimIfItIsMissing() {
        JsonNode payload = with(Map.of())
                .data("mutation { updateViewer(name: \"Me\") { errors { path code message } } }")
                .get("updateViewer");

        assertThat(refusals(payload)).containsExactly(" NOT_FOUND");
        assertThat(payload.at("/errors/0/message").asString())
                .isEqualTo("This token has no e-mail address in its claim `upn`.");
    }

    private JsonNode viewer(Map<String, Object> claims) {
        return with(claims).data("{ viewer { user { id } } }").get("viewer");
    }

    private Client with(Map<String, Object> claims) {
        var token = Tokens.claims().claim("scope", "users:self");
        claims.forEach(token::claim);
        return client.withToken(Tokens.sign(token.build()));
    }
}
