package dev.userdirectory.export;

import dev.userdirectory.event.DirectorySnapshot;
import dev.userdirectory.group.Group;
import dev.userdirectory.user.User;
import java.io.OutputStream;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicBoolean;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.jdbc.core.RowCallbackHandler;

/** One run of an export. It keeps its snapshot until it is closed, which any thread may do at any time. */
final class Export implements AutoCloseable {
    /** Few enough to take little memory, and enough to keep the share of round trips small. */
    private static final int ROWS_AT_A_TIME = 1000;

    private final DirectorySnapshot snapshot;
    private final Runnable countLine;
    private final Runnable onClose;
    private final AtomicBoolean closed = new AtomicBoolean();

    /** Thrown when an export is closed before its end. */
    static final class Closed extends RuntimeException {
        Closed() {
            super(null, null, false, false);
        }
    }

    /**
     * @param countLine called for each line
     * @param onClose called once, when the snapshot has been released
     */
    Export(DirectorySnapshot snapshot, Runnable countLine, Runnable onClose) {
        this.snapshot = snapshot;
        this.countLine = countLine;
        this.onClose = onClose;
    }

    /**
     * Writes users first, then groups, then memberships in the order of {@code Group.members}.
     *
     * @throws Closed if the export is closed while it is being written
     */
    void writeTo(OutputStream output) {
        // With an index, the first rows arrive at once. During a sort, the server would seem silent.
        snapshot.jdbc().execute("set local enable_sort = off");
        JsonLines lines = new JsonLines(output);
        write("select " + User.COLUMNS + " from users u", row -> lines.write(User.read(row, 0)));
        write("select " + Group.COLUMNS + " from groups g", row -> lines.write(Group.read(row, 0)));
        write(
                "select group_id, user_id from group_members order by group_id, joined_at, user_id",
                row -> lines.writeMember(row.getObject(1, UUID.class), row.getObject(2, UUID.class)));
        lines.finish(snapshot.cursor());
    }

    private void write(String sql, RowCallbackHandler line) {
        JdbcTemplate jdbc = snapshot.jdbc();
        jdbc.setFetchSize(ROWS_AT_A_TIME);
        jdbc.query(sql, row -> {
            if (closed.get()) {
                throw new Closed();
            }
            line.processRow(row);
            countLine.run();
        });
    }

    boolean isClosed() {
        return closed.get();
    }

    @Override
    public void close() {
        if (closed.compareAndSet(false, true)) {
            snapshot.close();
            onClose.run();
        }
    }
}
