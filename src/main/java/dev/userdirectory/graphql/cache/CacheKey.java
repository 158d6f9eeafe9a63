package dev.userdirectory.graphql.cache;

import dev.userdirectory.graphql.document.KnownOperation;
import dev.userdirectory.graphql.document.Sha256;
import dev.userdirectory.graphql.limit.Weight;
import dev.userdirectory.graphql.scope.Caller;
import java.util.Arrays;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;

/**
 * Everything that a response depends on, except the data.
 *
 * @param operation its {@link KnownOperation#hash}
 * @param subject null if the response is for all callers with the same scopes
 */
record CacheKey(
        String operation,
        Map<String, Object> variables,
        boolean anonymous,
        Set<String> scopes,
        @Nullable String subject) {
    private static final JsonMapper SORTED_JSON = JsonMapper.builder()
            .enable(SerializationFeature.ORDER_MAP_ENTRIES_BY_KEYS)
            .build();

    static CacheKey of(String operation, Map<String, Object> variables, Caller caller, CachePolicy policy) {
        return new CacheKey(
                operation,
                variables,
                caller.anonymous(),
                caller.scopes(),
                policy.isPrivate() ? caller.subject() : null);
    }

    /** The key of the same response for all callers with the same scopes. */
    CacheKey ofAll() {
        return new CacheKey(operation, variables, anonymous, scopes, null);
    }

    /** The key in the shared store, equal on all instances. */
    String hash(String schema, String database) {
        return Sha256.hex(SORTED_JSON.writeValueAsString(
                Arrays.asList(schema, database, operation, variables, anonymous, new TreeSet<>(scopes), subject)));
    }

    /** An estimate of the memory of the key. */
    long bytes() {
        return 2L * Weight.OBJECT
                + Weight.of(operation)
                + Weight.ofJson(variables)
                + Weight.ofJson(scopes)
                + Weight.of(subject);
    }
}
