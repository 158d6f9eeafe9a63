package dev.userdirectory.event;

import java.time.Duration;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * The change feed.
 *
 * @param retention how long an event is kept, at least; a cursor is good as long as its event
 * @param buffer how many of the newest events are kept in memory: as many may a subscriber be behind
 */
@ConfigurationProperties("directory.events")
record EventProperties(
        @DefaultValue("30d") Duration retention,
        @DefaultValue("10000") int buffer) {}
