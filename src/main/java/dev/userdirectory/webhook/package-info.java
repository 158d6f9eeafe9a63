/** Webhooks: endpoints from the configuration, which receive the events of the change feed by HTTP. */
@NullMarked
package dev.userdirectory.webhook;

import org.jspecify.annotations.NullMarked;
