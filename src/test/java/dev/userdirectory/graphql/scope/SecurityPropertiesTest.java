package dev.userdirectory.graphql.scope;

import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatNoException;

import dev.userdirectory.graphql.scope.SecurityProperties.Access;
import java.net.URI;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SecurityPropertiesTest {
    @ParameterizedTest
    @ValueSource(
            strings = {
                "https://issuer.example/token",
                "http://localhost.example/token",
                "http://localhost@issuer.example/token",
                "http://[::1]:8090/token",
                "ftp://localhost/token",
                "/token"
            })
    void rejectsTokenUriThatIsNotLocal(String uri) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> withTokenUri(uri))
                .withMessage(
                        "directory.security.local-token-uri must start with http:// or https:// and localhost or 127.0.0.1, not "
                                + uri);
    }

    @ParameterizedTest
    @ValueSource(strings = {"http://localhost:8090/token", "https://127.0.0.1/token", "http://localhost"})
    void acceptsLocalTokenUri(String uri) {
        assertThatNoException().isThrownBy(() -> withTokenUri(uri));
    }

    private static SecurityProperties withTokenUri(String uri) {
        return new SecurityProperties(null, Access.TOKEN, Access.TOKEN, "actuator", true, URI.create(uri));
    }
}
