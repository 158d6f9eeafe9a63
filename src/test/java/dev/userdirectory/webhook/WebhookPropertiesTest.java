package dev.userdirectory.webhook;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.userdirectory.generated.types.DirectoryEventType;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import org.assertj.core.util.Throwables;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.context.properties.source.MapConfigurationPropertySource;

class WebhookPropertiesTest {
    private static final String SECRET = "whsec_c2VjcmV0IG9mIGF0IGxlYXN0IDI0IGJ5dGVz";
    private static final Map<String, String> VALID = Map.of(
            "directory.webhooks[0].name", "billing",
            "directory.webhooks[0].url", "https://billing.example.com/hook?tenant=7",
            "directory.webhooks[0].secret", SECRET);

    @Test
    void readsTheListWithItsDefaults() {
        Webhook webhook = bind(Map.of()).webhooks().getFirst();

        assertThat(webhook.types()).isEmpty();
        assertThat(webhook.timeout()).isEqualTo(Duration.ofSeconds(10));
        assertThat(webhook.maxDelay()).isEqualTo(Duration.ofMinutes(5));
        assertThat(new Binder()
                        .bindOrCreate("directory", WebhookProperties.class)
                        .webhooks())
                .isEmpty();
    }

    @Test
    void takesSeveralSecretsAndTypes() {
        Webhook webhook = bind(Map.of(
                        "directory.webhooks[0].secret",
                        SECRET + "," + SECRET,
                        "directory.webhooks[0].types",
                        "USER_CREATED,MEMBER_ADDED"))
                .webhooks()
                .getFirst();

        assertThat(webhook.secret()).containsExactly(SECRET, SECRET);
        assertThat(webhook.types()).containsExactly(DirectoryEventType.USER_CREATED, DirectoryEventType.MEMBER_ADDED);
    }

    @ParameterizedTest
    @CsvSource({
        "name, ''",
        "name, with space",
        "url, ''",
        "url, /hook",
        "url, ftp://example.com/",
        "url, https://user:password@example.com/",
        "url, https://example.com/#fragment",
        "url, https:///hook",
        "url, not a URL",
        "secret, ''",
        "secret, whsec_c2hvcnQ=",
        "secret, c2VjcmV0IG9mIGF0IGxlYXN0IDI0IGJ5dGVz",
        "secret, whsec_not*base64*not*base64*not*base64",
        "types, USER_RENAMED",
        "source, ' '",
        "source, ''",
        "source, my directory",
        "timeout, 0s",
        "timeout, 31s",
        "timeout, soon",
        "max-delay, -1s",
        "max-delay, 2d",
    })
    void errorNamesTheProperty(String property, String value) {
        Throwable failure = catchThrowable(() -> bind(Map.of("directory.webhooks[0]." + property, value)));

        assertThat(Throwables.getStackTrace(failure)).contains("directory.webhooks[0]." + property);
        if (property.equals("secret") && !value.isEmpty()) {
            assertThat(Throwables.getStackTrace(failure)).doesNotContain(value);
        }
    }

    @Test
    void errorNamesMissingProperties() {
        for (String property : VALID.keySet()) {
            Map<String, String> without = new HashMap<>(VALID);
            without.remove(property);

            assertThat(Throwables.getStackTrace(catchThrowable(() -> bindAlone(without))))
                    .contains(property);
        }
    }

    @Test
    void rejectsNameThatIsUsedTwice() {
        Throwable failure = catchThrowable(() -> bind(Map.of(
                "directory.webhooks[1].name", "billing",
                "directory.webhooks[1].url", "https://example.com/",
                "directory.webhooks[1].secret", SECRET)));

        assertThat(failure)
                .rootCause()
                .hasMessageContaining("directory.webhooks[1].name")
                .hasMessageContaining("billing");
    }

    private static WebhookProperties bind(Map<String, String> changes) {
        Map<String, String> properties = new HashMap<>(VALID);
        properties.putAll(changes);
        return bindAlone(properties);
    }

    private static WebhookProperties bindAlone(Map<String, String> properties) {
        return new Binder(new MapConfigurationPropertySource(properties))
                .bindOrCreate("directory", WebhookProperties.class);
    }
}
