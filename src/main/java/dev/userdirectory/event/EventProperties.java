package dev.userdirectory.event;

import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * Settings of the change feed.
 *
 * @param retention how long an event is kept, at least; a cursor is good as long as its event
 * @param buffer how many of the newest events are in memory; who is further behind reads the table
 * @param follow whether this instance reads what is new as it comes, for subscribers
 * @param patience how long a subscriber that far behind may take nothing before it is ended
 * @param readTimeout how long PostgreSQL may take for a page of events that a subscriber has missed, before it is asked again
 * @param url where the feed listens, as JDBC has it, if the data source's leads through a pooler of transactions
 */
@ConfigurationProperties("directory.events")
record EventProperties(
        @DefaultValue("30d") Duration retention,
        @DefaultValue("10000") int buffer,
        @DefaultValue("true") boolean follow,
        @DefaultValue("5s") Duration patience,
        @DefaultValue("3s") Duration readTimeout,
        @Nullable String url) {}
