package dev.userdirectory.graphql.cache;

import dev.userdirectory.graphql.cache.DatabaseState.State;
import dev.userdirectory.graphql.limit.Weight;
import dev.userdirectory.graphql.operation.WrittenResult;
import graphql.ExecutionResult;
import java.time.Duration;
import java.time.Instant;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A response without errors.
 *
 * @param server the run of the database server in which the response was read
 * @param snapshot the snapshot of a statement that ran before the response was read; the data is at least as new
 * @param version the response is at least as new as this version of this instance's {@link RecentChanges}
 * @param dependencies the names of the response's dependencies
 * @param expires when the {@code maxAge} of the schema has passed
 * @param maxAge the {@code maxAge} of the schema, in seconds
 * @param nanos how long the execution took
 * @param json the response as it is sent
 */
@SuppressWarnings("ArrayRecordComponent") // Responses are never compared.
record CachedResponse(
        String server,
        String snapshot,
        long version,
        Set<String> dependencies,
        Instant expires,
        int maxAge,
        long nanos,
        byte[] json) {
    /**
     * Returns null if the result may not be cached.
     *
     * @param started when the execution began, by {@link System#nanoTime}
     */
    static @Nullable CachedResponse of(
            ExecutionResult result, CachePolicy policy, State state, Dependencies dependencies, long started) {
        long nanos = System.nanoTime() - started;
        Set<String> names = dependencies.names();
        boolean mayBeCached = policy.maxAge() > 0
                && !names.isEmpty()
                && result.getErrors().isEmpty()
                && result.getData() != null
                && (result.getExtensions() == null || result.getExtensions().isEmpty());
        return mayBeCached
                ? new CachedResponse(
                        state.server(),
                        state.snapshot(),
                        state.version(),
                        names,
                        Instant.now().plusSeconds(policy.maxAge()),
                        policy.maxAge(),
                        nanos,
                        WrittenResult.json(result.getData()))
                : null;
    }

    /**
     * Returns this response, which another instance has read, with its version on this instance; null if that is
     * unknown.
     */
    @Nullable
    CachedResponse at(State state) {
        Long known = server.equals(state.server()) ? state.changes().versionIn(Snapshot.parse(snapshot)) : null;
        return known == null
                ? null
                : new CachedResponse(server, snapshot, known, dependencies, expires, maxAge, nanos, json);
    }

    boolean isCurrent(State state) {
        return server.equals(state.server())
                && Instant.now().isBefore(expires)
                && state.changes().areUnchanged(dependencies, version);
    }

    /**
     * How long the response may still be cached: at most the {@code maxAge} of the schema, even if the clock was set
     * back.
     */
    Duration remaining() {
        Duration remaining = Duration.between(Instant.now(), expires);
        Duration most = Duration.ofSeconds(maxAge);
        if (remaining.isNegative()) {
            return Duration.ZERO;
        }
        return remaining.compareTo(most) > 0 ? most : remaining;
    }

    /** An estimate of the memory of the response. */
    long bytes() {
        return 4L * Weight.OBJECT + Weight.of(server) + Weight.of(snapshot) + Weight.ofJson(dependencies) + json.length;
    }
}
