package dev.userdirectory.graphql.cache;

import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * Remembers the recent changes in one run of a database server. Each query that finds changes begins a new version. A
 * response read at a version is current as long as none of its dependencies has changed in a later version.
 */
final class RecentChanges {
    /** How many versions, changed names and running transactions are remembered; each takes at most about 200 bytes. */
    private static final int CAPACITY = 20_000;

    /** A version whose changes are remembered, with the first snapshot that was found to have them. */
    private record Version(long number, Snapshot snapshot, Collection<String> changed) {
        int size() {
            return 1 + changed.size() + snapshot.running().size();
        }
    }

    /** By number, from {@code oldest} to {@code newest} without gaps. */
    private final Map<Long, Version> versions = new ConcurrentHashMap<>();
    /** The last version that changed this name. */
    private final Map<String, Long> lastChanges = new ConcurrentHashMap<>();

    /** The sum of the sizes of the remembered versions. */
    private int size;
    /** All changes of later versions are remembered. */
    private volatile long oldest;

    private volatile long newest;

    /** @param first the number of the first version */
    RecentChanges(Snapshot snapshot, long first) {
        oldest = first;
        remember(new Version(first, snapshot, List.of()));
    }

    /**
     * @param changed null if that is unknown
     * @return the newest version
     */
    synchronized long add(Snapshot snapshot, @Nullable Set<String> changed) {
        if (changed != null && changed.isEmpty()) {
            return newest;
        }
        Version next = new Version(newest + 1, snapshot, changed == null ? List.of() : changed);
        remember(next);
        next.changed().forEach(name -> lastChanges.put(name, next.number()));
        lastChanges.put(Dependencies.EVERYTHING, next.number());
        while (oldest < newest && (size > CAPACITY || changed == null)) {
            forgetFirst();
        }
        return next.number();
    }

    private void remember(Version version) {
        versions.put(version.number(), version);
        newest = version.number();
        size += version.size();
    }

    private void forgetFirst() {
        Version first = Objects.requireNonNull(versions.remove(oldest));
        size -= first.size();
        // Updated first, so that a reader that misses a forgotten name notices it.
        oldest = first.number() + 1;
        first.changed().forEach(name -> lastChanges.remove(name, first.number()));
    }

    /** Whether all of these are unchanged since a version; false if the version has been forgotten. */
    boolean areUnchanged(Collection<String> names, long version) {
        for (String name : names) {
            if (lastChanges.getOrDefault(name, 0L) > version) {
                return false;
            }
        }
        return version >= oldest;
    }

    /**
     * The newest version whose changes a snapshot includes; null if it includes no version that is remembered. Each
     * version's snapshot includes those of the versions before, so a binary search finds it.
     */
    @Nullable
    Long versionIn(Snapshot snapshot) {
        Long found = null;
        long low = oldest;
        long high = newest;
        while (low <= high) {
            long middle = low + (high - low) / 2;
            // Null if it has just been forgotten. Then it is unknown whether the snapshot includes it.
            Version version = versions.get(middle);
            if (version != null && snapshot.includes(version.snapshot())) {
                found = middle;
                low = middle + 1;
            } else {
                high = middle - 1;
            }
        }
        return found;
    }
}
