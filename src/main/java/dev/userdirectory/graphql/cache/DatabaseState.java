package dev.userdirectory.graphql.cache;

import dev.userdirectory.database.RequestCollapser;
import dev.userdirectory.graphql.cache.CommittedChanges.Changes;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.dao.DataAccessException;
import org.springframework.stereotype.Component;

/**
 * Tracks the commits to the database, by any program, and the objects that they change. Each request queries the
 * database; concurrent requests share one query.
 */
@Component
class DatabaseState {
    private static final Logger log = LoggerFactory.getLogger(DatabaseState.class);
    private static final String KEY = "the only one";

    private final CommittedChanges committed;
    private final RequestCollapser<String, State> states;
    private volatile @Nullable State newest;
    private volatile @Nullable String identity;

    DatabaseState(CommittedChanges committed) {
        this.committed = committed;
        states = new RequestCollapser<>(1, keys -> Map.of(KEY, read()));
    }

    /**
     * @param server the run of a database server to which the versions belong
     * @param snapshot the transactions that a statement sees in this state, at least
     * @param version the newest version of the changes
     * @param isQuiet whether no transaction had ended since the state before. Then the next read first checks only
     *     whether the snapshot has changed.
     */
    record State(String server, String snapshot, long version, RecentChanges changes, boolean isQuiet) {}

    /** Returns the state at some time after this call began; null if the database does not respond. */
    @Nullable
    State current() {
        try {
            return states.load(Set.of(KEY)).get(KEY);
        } catch (DataAccessException e) {
            log.debug("Reading the state of the database failed", e);
            return null;
        }
    }

    private State read() {
        State known = newest;
        if (known != null && known.isQuiet && committed.isUnchanged(known.server, known.snapshot)) {
            return known;
        }
        while (true) {
            State before = newest;
            Changes changes = committed.since(before == null ? null : before.snapshot);
            synchronized (this) {
                // After a failed call, several threads may read at a time. Versions must be in the order of their
                // snapshots.
                if (Objects.equals(newest, before)) {
                    State after = next(before, changes);
                    newest = after;
                    return after;
                }
            }
        }
    }

    private static State next(@Nullable State before, Changes found) {
        Snapshot snapshot = Snapshot.parse(found.snapshot());
        if (before == null || !before.server.equals(found.server())) {
            // Versions are never reused: a response may have been read in an earlier run of this server.
            long first = before == null ? 0 : before.version + 1;
            return new State(found.server(), found.snapshot(), first, new RecentChanges(snapshot, first), false);
        }
        long version = before.changes.add(snapshot, found.changed());
        boolean isQuiet = before.snapshot.equals(found.snapshot());
        return new State(before.server, found.snapshot(), version, before.changes, isQuiet);
    }

    /** Identifies this database and schema among those of all servers; null if the database does not respond. */
    @Nullable
    String identity() {
        if (identity == null) {
            try {
                identity = committed.identity();
            } catch (DataAccessException e) {
                log.debug("Reading the identity of the database failed", e);
            }
        }
        return identity;
    }
}
