package dev.userdirectory.policy;

import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.util.unit.DataSize;

/**
 * How much memory each cache may take that saves work for the next request; the least used entries are evicted first. An
 * application has a few hundred different documents, which fit many times over.
 *
 * @param documents parsed documents and how their fields are completed
 * @param operations what has been worked out about operations, for each form of their variables: a quarter each for the cost,
 *     the cache policy by form, the cache policy by document, and the name in metrics
 * @param tokens verified tokens with their claims; some thousand callers
 */
@ConfigurationProperties("directory.memory")
public record MemoryProperties(
        @DefaultValue("16MB") DataSize documents,
        @DefaultValue("16MB") DataSize operations,
        @DefaultValue("8MB") DataSize tokens) {
    private static final int OPERATION_CACHES = 4;

    /** Of each of the caches that share {@link #operations}. */
    public long bytesPerOperationCache() {
        return operations.toBytes() / OPERATION_CACHES;
    }
}
