package dev.userdirectory.graphql.cache;

import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.util.unit.DataSize;

/**
 * @param enabled whether answers are kept at all, as {@code @cacheControl} in the schema allows
 * @param size how much of this instance's memory the answers may take, the least used forgotten first
 */
@ConfigurationProperties("directory.cache")
record CacheProperties(
        @DefaultValue("true") boolean enabled,
        @DefaultValue("64MB") DataSize size) {}
