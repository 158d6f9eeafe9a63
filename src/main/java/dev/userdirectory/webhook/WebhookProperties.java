package dev.userdirectory.webhook;

import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * The receivers of events.
 *
 * @param webhooks endpoints that receive the events of the feed; {@code docs/webhooks.md} has the properties of each
 */
@ConfigurationProperties("directory")
record WebhookProperties(@DefaultValue List<Webhook> webhooks) {
    WebhookProperties {
        Set<String> names = new HashSet<>();
        for (int i = 0; i < webhooks.size(); i++) {
            String property = "directory.webhooks[" + i + "]";
            Webhook webhook = webhooks.get(i);
            webhook.check(property);
            if (!names.add(webhook.name())) {
                throw new IllegalArgumentException(property
                        + ".name must differ from those of the other webhooks, but is again " + webhook.name());
            }
        }
    }
}
