package dev.userdirectory.graphql.cache;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.github.benmanes.caffeine.cache.Scheduler;
import dev.userdirectory.graphql.cache.DatabaseState.State;
import dev.userdirectory.graphql.limit.Weight;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;

/**
 * Caches objects by their IDs. When an operation has to be executed again, only objects that have changed are loaded.
 * The same rule as for responses applies: an object is current until a commit changes it.
 */
@Component
public class CachedObjects {
    /** The same as for responses. It matters only for writes that leave no event in the log. */
    private static final Duration MAX_AGE = Duration.ofSeconds(30);

    private final Cache<String, Entry> objects;

    CachedObjects(CacheProperties properties) {
        objects = Caffeine.newBuilder()
                .maximumWeight(properties.objects())
                .<String, Entry>weigher((id, entry) -> Weight.sum(Weight.ENTRY + Weight.of(id) + entry.object.bytes()))
                .expireAfterWrite(MAX_AGE)
                .scheduler(Scheduler.systemScheduler())
                // Waking another thread costs more than the maintenance.
                .executor(Runnable::run)
                .build();
    }

    /** @param version the object is at least as new as this version of the {@link RecentChanges} */
    private record Entry(Dependency object, String server, long version) {}

    /** Returns the object if it is cached and nothing has changed it before the operation began. */
    public @Nullable Dependency find(String id, Dependencies operation) {
        State state = operation.state;
        Entry entry = state == null ? null : objects.getIfPresent(id);
        return state != null
                        && entry != null
                        && entry.server.equals(state.server())
                        && state.changes().areUnchanged(List.of(id), entry.version)
                ? entry.object
                : null;
    }

    /** Adds an object that the operation has loaded. */
    public void put(String id, Dependency object, Dependencies operation) {
        State state = operation.state;
        if (state != null) {
            objects.put(id, new Entry(object, state.server(), state.version()));
        }
    }
}
