package dev.userdirectory.graphql.cache;

import java.util.ArrayDeque;
import java.util.Collection;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * Remembers the recent changes in one run of a database server. Each query that finds changes begins a new version. A
 * response read at a version is current as long as none of its dependencies has changed in a later version.
 */
final class RecentChanges {
    /** How many changed names are remembered; each takes about 200 bytes. */
    private static final int CAPACITY = 20_000;

    /** A version whose changes are remembered, with the first snapshot that was found to have them. */
    private record Version(long number, Snapshot snapshot, Collection<String> changed) {}

    private final Deque<Version> versions = new ArrayDeque<>();
    /** The last version that changed this name. */
    private final Map<String, Long> lastChanges = new ConcurrentHashMap<>();

    /** The number of remembered versions plus the number of changed names in them. */
    private int size = 1;
    /** All changes of later versions are remembered. */
    private volatile long oldest;

    /** @param first the number of the first version */
    RecentChanges(Snapshot snapshot, long first) {
        versions.add(new Version(first, snapshot, List.of()));
        oldest = first;
    }

    /**
     * @param changed null if that is unknown
     * @return the newest version
     */
    synchronized long add(Snapshot snapshot, @Nullable Set<String> changed) {
        long newest = versions.getLast().number();
        if (changed != null && changed.isEmpty()) {
            return newest;
        }
        Version next = new Version(newest + 1, snapshot, changed == null ? List.of() : changed);
        versions.add(next);
        next.changed().forEach(name -> lastChanges.put(name, next.number()));
        lastChanges.put(Dependencies.EVERYTHING, next.number());
        size += 1 + next.changed().size();
        while (versions.size() > 1 && (size > CAPACITY || changed == null)) {
            forgetFirst();
        }
        return next.number();
    }

    private void forgetFirst() {
        Version first = versions.remove();
        size -= 1 + first.changed().size();
        // Updated first, so that a reader that misses a forgotten name notices it.
        oldest = versions.getFirst().number();
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

    /** The newest version whose changes a snapshot includes; null if it includes no version that is remembered. */
    synchronized @Nullable Long versionIn(Snapshot snapshot) {
        for (Iterator<Version> each = versions.descendingIterator(); each.hasNext(); ) {
            Version version = each.next();
            if (snapshot.includes(version.snapshot())) {
                return version.number();
            }
        }
        return null;
    }
}
