package dev.userdirectory.event;

import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * Settings of the change feed.
 *
 * @param retention how long events are kept, at least; a cursor is valid as long as its event is kept
 * @param buffer how many of the newest events are kept in memory; subscribers that are further behind read the table
 * @param follow whether this instance reads new events for its subscribers and webhooks
 * @param patience how long a subscriber that is further behind than the buffer may take no event before its
 *     subscription ends
 * @param readTimeout how long PostgreSQL may take to read a page of events that a subscriber has missed, before the
 *     query is cancelled and repeated
 * @param url the JDBC URL by which the feed listens for notifications and webhooks hold their locks, if the URL of the
 *     data source leads through a transaction pooler
 */
@ConfigurationProperties("directory.events")
record EventProperties(
        @DefaultValue("30d") Duration retention,
        @DefaultValue("10000") int buffer,
        @DefaultValue("true") boolean follow,
        @DefaultValue("5s") Duration patience,
        @DefaultValue("3s") Duration readTimeout,
        @Nullable String url) {}
