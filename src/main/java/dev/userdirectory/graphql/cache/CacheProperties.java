package dev.userdirectory.graphql.cache;

import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.util.unit.DataSize;

/**
 * @param enabled whether responses are cached, as {@code @cacheControl} in the schema allows
 * @param size how much of this instance's memory cached responses and objects may take; the least used are evicted first
 */
@ConfigurationProperties("directory.cache")
record CacheProperties(
        @DefaultValue("true") boolean enabled,
        @DefaultValue("64MB") DataSize size) {
    /** In bytes. */
    long responses() {
        return size.toBytes() - objects();
    }

    /** In bytes. Objects take less than the responses that show them. */
    long objects() {
        return size.toBytes() / 4;
    }
}
