package dev.userdirectory.event;

import dev.userdirectory.graphql.cache.Snapshot;

/**
 * What an export has seen. The order of the feed is not the order of visibility, so an export contains some changes whose
 * events come after others that it does not contain. Its cursor is before all of these, and carries the snapshot, so that
 * a client that starts there gets exactly the events that are not in the export.
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

    /** No event from this transaction on is in the export. */
    long end() {
        return snapshot.end();
    }
}
