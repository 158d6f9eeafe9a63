package dev.userdirectory.event;

import dev.userdirectory.graphql.cache.Snapshot;

/**
 * The snapshot of an export. Events do not become visible in the order of the feed, so an export may contain a change
 * whose event comes after an event that it lacks. Its cursor therefore comes before every event that it lacks, and
 * carries the snapshot, so that a client that starts there gets exactly the events that are not in the export.
 *
 * @param text a {@code pg_snapshot} of PostgreSQL
 */
record ExportSnapshot(String text, Snapshot snapshot) {
    /** A condition on {@code user_events e}, with a placeholder for the text. */
    static final String LACKS = "not coalesce(pg_visible_in_snapshot(e.writer::text::xid8, ?::pg_snapshot), true)";

    static ExportSnapshot parse(String text) {
        return new ExportSnapshot(text, Snapshot.parse(text));
    }

    boolean contains(DirectoryEvent event) {
        return snapshot.sees(event.writer());
    }

    /** No event of this transaction, or of a later one, is in the export. */
    long end() {
        return snapshot.end();
    }
}
