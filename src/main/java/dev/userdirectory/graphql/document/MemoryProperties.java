package dev.userdirectory.graphql.document;

import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.util.unit.DataSize;

/**
 * Memory of the caches that save work for the next request. The least used entries are evicted first. An application
 * has a few hundred different documents, which fit many times over.
 *
 * @param documents how much memory is for parsed documents, and for properties of their operations: how fields
 *     are completed, and the cost and cache policy for each shape of the variables
 * @param tokens how much memory is for verified tokens with their claims; the default is enough for some thousand
 *     callers
 */
@ConfigurationProperties("directory.memory")
public record MemoryProperties(
        @DefaultValue("32MB") DataSize documents,
        @DefaultValue("8MB") DataSize tokens) {}
