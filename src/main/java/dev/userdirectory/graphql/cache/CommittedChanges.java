package dev.userdirectory.graphql.cache;

import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Reads the changes of committed transactions from the database. */
public interface CommittedChanges {
    /**
     * @param server differs between databases, between servers, and after each start and recovery of a server
     * @param snapshot the snapshot of the statement that read the changes, as a {@code pg_snapshot}
     * @param changed the names of the {@link Dependencies} that have changed; null if that is unknown
     */
    record Changes(String server, String snapshot, @Nullable Set<String> changed) {}

    /** Whether this is still the same server, and no transaction has ended since it took a snapshot. */
    boolean isUnchanged(String server, String snapshot);

    /**
     * Returns the changes that are visible now but were not visible in a snapshot.
     *
     * @param snapshot null if there is no earlier snapshot
     */
    Changes since(@Nullable String snapshot);

    /** Identifies the database and the schema among those of all servers. */
    String identity();
}
