package dev.userdirectory.graphql.cache;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.github.benmanes.caffeine.cache.Expiry;
import com.github.benmanes.caffeine.cache.Scheduler;
import dev.userdirectory.graphql.cache.DatabaseState.State;
import dev.userdirectory.graphql.document.Sha256;
import dev.userdirectory.graphql.federation.SubgraphSchema;
import dev.userdirectory.graphql.limit.Weight;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import org.jspecify.annotations.Nullable;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.stereotype.Component;

/** The cached responses: in the memory of this instance and, if there is one, in the store that instances share. */
@Component
@EnableConfigurationProperties(CacheProperties.class)
class CachedResponses {
    private static final double NANOS_PER_SECOND = 1e9;

    /** A hash of the served schema: during a rolling update, instances may serve different schemas. */
    private final String schema = Sha256.hex(SubgraphSchema.sdl());

    private final DatabaseState database;
    private final @Nullable SharedStore shared;
    private final Cache<CacheKey, CachedResponse> responses;
    private final Counter hits;
    private final Counter sharedHits;
    private final Counter misses;
    private final Counter saved;

    CachedResponses(
            CacheProperties properties,
            DatabaseState database,
            ObjectProvider<SharedStore> sharedStore,
            MeterRegistry meters) {
        this.database = database;
        responses = Caffeine.newBuilder()
                .maximumWeight(properties.responses())
                .<CacheKey, CachedResponse>weigher(
                        (key, response) -> Weight.sum(Weight.ENTRY + key.bytes() + response.bytes()))
                .expireAfter(Expiry.<CacheKey, CachedResponse>writing((key, response) -> response.remaining()))
                .scheduler(Scheduler.systemScheduler())
                // Waking another thread costs more than the maintenance.
                .executor(Runnable::run)
                .build();
        Gauge.builder("directory.cache.memory", responses, CachedResponses::weight)
                .description("Memory of the cached responses")
                .baseUnit("bytes")
                .register(meters);
        hits = requests(meters, "hit");
        sharedHits = requests(meters, "shared hit");
        misses = requests(meters, "miss");
        saved = Counter.builder("directory.cache.saved")
                .description("Time saved by cache hits: the execution time of the cached responses")
                .baseUnit("seconds")
                .register(meters);
        shared = sharedStore.getIfAvailable();
        if (shared != null) {
            Gauge.builder("directory.cache.shared", shared, store -> store.isFailing() ? 0 : 1)
                    .description("1 if the last use of the store that instances share succeeded, 0 if it failed")
                    .register(meters);
        }
    }

    /** @param result the value of the counter's tag, such as {@code hit} */
    static Counter requests(MeterRegistry meters, String result) {
        return Counter.builder("directory.cache.requests")
                .description("Operations by the result of looking them up in the cache")
                .tag("result", result)
                .register(meters);
    }

    private static double weight(Cache<?, ?> cache) {
        return cache.policy()
                .eviction()
                .map(eviction -> eviction.weightedSize().orElse(0))
                .orElse(0L);
    }

    /** Returns the response if it is cached and nothing that it depends on has changed until this state. */
    @Nullable
    CachedResponse find(CacheKey key, State state) {
        CachedResponse response = responses.getIfPresent(key);
        if (response != null && response.isCurrent(state)) {
            return hit(response, hits);
        }
        String sharedKey = sharedKey(key);
        response = shared == null || sharedKey == null ? null : shared.response(sharedKey);
        response = response == null ? null : response.at(state);
        if (response != null && response.isCurrent(state)) {
            responses.put(key, response);
            return hit(response, sharedHits);
        }
        misses.increment();
        return null;
    }

    private CachedResponse hit(CachedResponse response, Counter counter) {
        counter.increment();
        saved.increment(response.nanos() / NANOS_PER_SECOND);
        return response;
    }

    void put(CacheKey key, CachedResponse response) {
        responses.put(key, response);
        String sharedKey = sharedKey(key);
        if (shared != null && sharedKey != null) {
            shared.putResponse(sharedKey, response);
        }
    }

    /** Returns null if there is no shared store, or if the database does not respond. */
    private @Nullable String sharedKey(CacheKey key) {
        String identity = shared == null ? null : database.identity();
        return identity == null ? null : key.hash(schema, identity);
    }
}
